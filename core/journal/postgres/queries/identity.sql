-- name: LatestIdentity :one
SELECT * FROM journal_identity ORDER BY epoch DESC LIMIT 1;

-- name: InsertIdentity :exec
INSERT INTO journal_identity (system_id, database, timeline, by_whom, why, at)
VALUES (@system_id, @database, @timeline, @by_whom, @why, @at);

-- name: OldestWriter :one
SELECT oldest FROM schema_compat;

-- name: HasEvent :one
SELECT EXISTS (SELECT 1 FROM attempt_event WHERE id = @id);

-- name: Identities :many
SELECT * FROM journal_identity ORDER BY epoch;

-- name: NewestEvent :one
SELECT coalesce(max(id), 0)::bigint FROM attempt_event;
