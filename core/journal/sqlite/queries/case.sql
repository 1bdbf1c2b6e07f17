-- name: InsertCase :exec
INSERT INTO operator_case (payment_id, attempt_id, kind, why, evidence, opened_at)
VALUES (@payment_id, @attempt_id, @kind, @why, @evidence, @opened_at)
ON CONFLICT (attempt_id, kind) WHERE closed_at IS NULL DO NOTHING;

-- The compare of a change that only opens a case.
-- name: AttemptStands :one
SELECT count(*) FROM attempt
WHERE id = @id AND state = @from_state AND fence = @from_fence
    AND payment_id = @payment_id AND n = @n AND provider = @provider AND instance = @instance;

-- name: CloseCase :execrows
UPDATE operator_case SET closed_at = @closed_at, closed_by = @closed_by, resolution = @resolution
WHERE id = @id AND closed_at IS NULL AND kind <> 'parked';

-- name: CaseByID :one
SELECT * FROM operator_case WHERE id = ?;

-- name: CasesAll :many
SELECT * FROM operator_case WHERE id < @before ORDER BY id DESC LIMIT @most;

-- name: CasesOpen :many
SELECT * FROM operator_case WHERE closed_at IS NULL AND id < @before ORDER BY id DESC LIMIT @most;

-- name: CasesOfPayment :many
SELECT * FROM operator_case
WHERE payment_id = @payment_id AND id < @before AND (CAST(@any_too AS INTEGER) = 1 OR closed_at IS NULL)
ORDER BY id DESC LIMIT @most;

-- name: CountOpenCases :many
SELECT kind, count(*) AS n FROM operator_case WHERE closed_at IS NULL GROUP BY kind;
