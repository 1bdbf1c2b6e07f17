-- A page of payments, newest first. One statement for each index that can lead: what a filter names decides which.

-- name: ListAll :many
SELECT p.id FROM payment AS p
WHERE p.created_at >= @since
    AND p.created_at <= @before_at AND (p.created_at < @before_at OR p.id < @before_id)
    AND (
        @state::text = ''
        OR EXISTS (
            SELECT 1 FROM attempt AS a
            WHERE a.payment_id = p.id AND a.state IN (@state::text, @state_too::text)
                AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = p.id AND later.n > a.n)
        )
    )
ORDER BY p.created_at DESC, p.id DESC
LIMIT @most;

-- name: ListOfClient :many
SELECT p.id FROM payment AS p
WHERE p.client = @client
    AND p.created_at >= @since
    AND p.created_at <= @before_at AND (p.created_at < @before_at OR p.id < @before_id)
    AND (
        @state::text = ''
        OR EXISTS (
            SELECT 1 FROM attempt AS a
            WHERE a.payment_id = p.id AND a.state IN (@state::text, @state_too::text)
                AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = p.id AND later.n > a.n)
        )
    )
ORDER BY p.created_at DESC, p.id DESC
LIMIT @most;

-- name: ListOfAccount :many
SELECT p.id FROM payment AS p
WHERE p.account = @account
    AND (@any_client::boolean OR p.client = @client)
    AND p.created_at >= @since
    AND p.created_at <= @before_at AND (p.created_at < @before_at OR p.id < @before_id)
    AND (
        @state::text = ''
        OR EXISTS (
            SELECT 1 FROM attempt AS a
            WHERE a.payment_id = p.id AND a.state IN (@state::text, @state_too::text)
                AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = p.id AND later.n > a.n)
        )
    )
ORDER BY p.created_at DESC, p.id DESC
LIMIT @most;

-- name: ListUnderKey :many
SELECT p.id FROM payment AS p
WHERE p.key = @key
    AND (@any_client::boolean OR p.client = @client)
    AND (@account::text = '' OR p.account = @account)
    AND p.created_at >= @since
    AND p.created_at <= @before_at AND (p.created_at < @before_at OR p.id < @before_id)
    AND (
        @state::text = ''
        OR EXISTS (
            SELECT 1 FROM attempt AS a
            WHERE a.payment_id = p.id AND a.state IN (@state::text, @state_too::text)
                AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = p.id AND later.n > a.n)
        )
    )
ORDER BY p.created_at DESC, p.id DESC
LIMIT @most;

-- name: ListOpen :many
SELECT p.id FROM attempt AS a JOIN payment AS p ON p.id = a.payment_id
WHERE a.state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED')
    AND a.state IN (@state::text, @state_too::text)
    AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = a.payment_id AND later.n > a.n)
    AND (@any_client::boolean OR p.client = @client)
    AND p.created_at >= @since
    AND p.created_at <= @before_at AND (p.created_at < @before_at OR p.id < @before_id)
ORDER BY p.created_at DESC, p.id DESC
LIMIT @most;
