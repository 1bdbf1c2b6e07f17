-- name: InsertPayment :execrows
INSERT INTO payment (
    id, client, key, fingerprint, merchant, account, amount, max_cost, extra, inquiry, created_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key, client) DO NOTHING;

-- name: InsertAttempt :exec
INSERT INTO attempt (
    id, payment_id, n, provider, instance, product, quote, state, fence, owner, next_at, checks, outcome,
    code, provider_code, reason, invoice, reference, receiver_name, cost, cashback, provider_time, details,
    started_at, ended_at, created_at, updated_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- The compare-and-set of every change. What names the attempt is compared too: a change made for another row changes nothing.
-- name: UpdateAttempt :execrows
UPDATE attempt SET
    product = @product, quote = @quote, state = @state,
    fence = @fence, owner = @owner, next_at = @next_at,
    checks = @checks, outcome = @outcome, code = @code,
    provider_code = @provider_code, reason = @reason, invoice = @invoice,
    reference = @reference, receiver_name = @receiver_name, cost = @cost,
    cashback = @cashback, provider_time = @provider_time, details = @details,
    started_at = @started_at, ended_at = @ended_at, updated_at = @updated_at
WHERE id = @id AND state = @from_state AND fence = @from_fence
    AND payment_id = @payment_id AND n = @n AND provider = @provider AND instance = @instance;

-- name: InsertEvent :exec
INSERT INTO attempt_event (
    attempt_id, from_state, to_state, fence, actor, why, evidence, at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: ClaimDue :many
UPDATE attempt SET fence = fence + 1, owner = @owner, next_at = @until
WHERE id IN (
    SELECT a.id FROM attempt AS a
    WHERE (a.next_at <= @now OR a.next_at > @beyond) AND a.next_at IS NOT NULL
        AND a.state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN')
        AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = a.payment_id AND later.n > a.n)
    ORDER BY a.next_at
    LIMIT @most
)
RETURNING payment_id;

-- name: Wake :execrows
UPDATE attempt SET next_at = @now
WHERE state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED') -- by the index attempt_open
    AND (state = 'SENDING' AND (next_at IS NULL OR next_at > @now) OR next_at > @far);

-- name: InvoiceHolder :one
SELECT id FROM attempt WHERE provider = ? AND invoice = ?;

-- name: QuoteHolder :one
SELECT id FROM attempt
WHERE provider = @provider AND instance = @instance AND quote = @quote AND quote <> '' AND state <> 'FAILED';

-- name: InsertInquiry :exec
INSERT INTO inquiry (
    id, client, merchant, account, amount, provider, product, token, receiver_name, cost, cashback, details,
    expires_at, created_at, reserves
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: Beat :exec
INSERT INTO heartbeat (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at;
