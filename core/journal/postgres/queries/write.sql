-- One statement a change, so that the changes of many callers go to the server in one message.

-- A payment with its first attempt and every step on the way, unless the client has used the key before: then nothing.
-- name: Submit :batchone
WITH recorded AS (
    INSERT INTO payment (
        id, client, key, fingerprint, merchant, account, amount, max_cost, extra, inquiry, created_at
    ) VALUES (
        @id, @client, @key, @fingerprint, @merchant, @account, @amount, @max_cost, @extra, @inquiry, @created_at
    )
    ON CONFLICT (key, client) DO NOTHING
    RETURNING id
), made AS (
    INSERT INTO attempt (
        id, payment_id, n, provider, instance, product, quote, state, fence, owner, next_at, checks, outcome, code,
        provider_code, reason, invoice, reference, receiver_name, cost, cashback, provider_time, details, started_at,
        ended_at, created_at, updated_at
    )
    SELECT
        @attempt_id::text, recorded.id, @n::bigint, @provider::text, @instance::text, @product::text, @quote::text,
        @state::text, @fence::bigint, @owner::text, sqlc.narg('next_at')::bigint, @checks::bigint, @outcome::text,
        @code::text, @provider_code::text, @reason::text, sqlc.narg('invoice')::text, @reference::text,
        @receiver_name::text, @cost::text, @cashback::text, sqlc.narg('provider_time')::bigint, @details::text,
        sqlc.narg('started_at')::bigint, sqlc.narg('ended_at')::bigint, @attempt_created_at::bigint, @updated_at::bigint
    FROM recorded
    RETURNING id
), noted AS (
    INSERT INTO attempt_event (attempt_id, from_state, to_state, fence, actor, why, evidence, at)
    SELECT
        made.id, unnest(@from_states::text[]), unnest(@to_states::text[]), @fence::bigint, @actor::text, @why::text,
        sqlc.narg('evidence')::text, unnest(@ats::bigint[])
    FROM made
    RETURNING id
)
SELECT coalesce(max(noted.id), 0)::bigint AS event FROM noted;

-- The compare-and-set of every change. What names the attempt is compared too: a change made for another row changes nothing.
-- Whoever listens is told at the commit.
-- name: Apply :batchone
WITH changed AS (
    UPDATE attempt SET
        product = @product::text, quote = @quote::text, state = @state::text, fence = @fence::bigint,
        owner = @owner::text, next_at = sqlc.narg('next_at')::bigint, checks = @checks::bigint,
        outcome = @outcome::text, code = @code::text, provider_code = @provider_code::text, reason = @reason::text,
        invoice = sqlc.narg('invoice')::text, reference = @reference::text, receiver_name = @receiver_name::text,
        cost = @cost::text, cashback = @cashback::text, provider_time = sqlc.narg('provider_time')::bigint,
        details = @details::text, started_at = sqlc.narg('started_at')::bigint,
        ended_at = sqlc.narg('ended_at')::bigint, updated_at = @updated_at::bigint
    WHERE id = @id::text AND state = @from_state::text AND fence = @from_fence::bigint
        AND payment_id = @payment_id::text AND n = @n::bigint AND provider = @provider::text AND instance = @instance::text
    RETURNING id, payment_id
), noted AS (
    INSERT INTO attempt_event (attempt_id, from_state, to_state, fence, actor, why, evidence, at)
    SELECT changed.id, @from_state::text, @state::text, @fence::bigint, @actor::text, @why::text, sqlc.narg('evidence')::text, @updated_at::bigint
    FROM changed
    WHERE @from_state::text <> @state::text
    RETURNING id
)
SELECT
    (SELECT count(pg_notify('jalur_journal', changed.payment_id)) FROM changed)::bigint AS changes,
    coalesce((SELECT max(noted.id) FROM noted), 0)::bigint AS event;

-- name: InsertAttempt :exec
INSERT INTO attempt (
    id, payment_id, n, provider, instance, product, quote, state, fence, owner, next_at, checks, outcome, code,
    provider_code, reason, invoice, reference, receiver_name, cost, cashback, provider_time, details, started_at,
    ended_at, created_at, updated_at
) VALUES (
    @id, @payment_id, @n, @provider, @instance, @product, @quote, @state, @fence, @owner, sqlc.narg('next_at'),
    @checks, @outcome, @code, @provider_code, @reason, sqlc.narg('invoice'), @reference, @receiver_name, @cost,
    @cashback, sqlc.narg('provider_time'), @details, sqlc.narg('started_at'), sqlc.narg('ended_at'), @created_at,
    @updated_at
);

-- name: InsertEvent :exec
INSERT INTO attempt_event (
    attempt_id, from_state, to_state, fence, actor, why, evidence, at
) VALUES (@attempt_id, @from_state, @to_state, @fence, @actor, @why, @evidence, @at);

-- name: ClaimDue :many
WITH due AS MATERIALIZED (
    SELECT a.id FROM attempt AS a
    WHERE (a.next_at <= @now::bigint OR a.next_at > @beyond::bigint) AND a.next_at IS NOT NULL
        AND a.state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN')
        AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.payment_id = a.payment_id AND later.n > a.n)
    ORDER BY a.next_at
    LIMIT @most::bigint
    FOR UPDATE OF a SKIP LOCKED
)
UPDATE attempt SET fence = attempt.fence + 1, owner = @owner::text, next_at = sqlc.narg('until')::bigint
FROM due WHERE attempt.id = due.id
RETURNING attempt.payment_id;

-- name: InsertInquiry :exec
INSERT INTO inquiry (
    id, client, merchant, account, amount, provider, product, token, receiver_name, cost, cashback, details,
    expires_at, created_at, reserves
) VALUES (
    @id, @client, @merchant, @account, @amount, @provider, @product, @token, @receiver_name, @cost, @cashback, @details,
    @expires_at, @created_at, @reserves
);

-- name: Beat :exec
INSERT INTO heartbeat (id, at) VALUES (1, @at) ON CONFLICT (id) DO UPDATE SET at = excluded.at;
