-- name: Identities :many
SELECT * FROM journal_identity ORDER BY epoch;

-- name: InsertIdentity :exec
INSERT INTO journal_identity (home, by_whom, why, at) VALUES (?, ?, ?, ?);

-- name: NewestEvent :one
SELECT CAST(coalesce(max(id), 0) AS INTEGER) AS newest FROM attempt_event;

-- name: OldestWriter :one
SELECT oldest FROM schema_compat;
