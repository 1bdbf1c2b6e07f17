-- name: PaymentByID :many
SELECT sqlc.embed(p), sqlc.embed(a)
FROM payment AS p JOIN attempt AS a ON a.payment_id = p.id
WHERE p.id = @id
ORDER BY a.n;

-- name: IDByKey :one
SELECT id FROM payment WHERE key = @key AND client = @client;

-- name: PaymentsByIDs :many
SELECT sqlc.embed(p), sqlc.embed(a)
FROM payment AS p JOIN attempt AS a ON a.payment_id = p.id
WHERE p.id = ANY(@ids::text[])
ORDER BY p.created_at, p.id, a.n;

-- name: EventsOf :many
SELECT e.* FROM attempt AS a JOIN attempt_event AS e ON e.attempt_id = a.id
WHERE a.payment_id = @payment_id
ORDER BY e.id;

-- name: InquiryByID :one
SELECT * FROM inquiry WHERE client = @client AND id = @id;

-- name: PaymentByRef :one
SELECT payment_id FROM attempt WHERE id = @ref AND provider = @provider AND instance = @instance;

-- name: PaymentByQuote :one
SELECT payment_id FROM attempt
WHERE provider = @provider AND instance = @instance AND quote = @quote AND quote <> '' AND state <> 'FAILED';

-- name: PaymentByInvoice :one
SELECT payment_id FROM attempt WHERE provider = @provider AND invoice = @invoice::text AND instance = @instance;
