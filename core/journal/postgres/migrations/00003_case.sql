-- What a person has to look at. A later program may know more kinds.

-- +goose Up
CREATE TABLE operator_case (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id TEXT   COLLATE "C" NOT NULL REFERENCES payment (id),
    attempt_id TEXT   COLLATE "C" NOT NULL REFERENCES attempt (id),
    kind       TEXT   NOT NULL CHECK (kind <> ''),
    why        TEXT   NOT NULL,
    evidence   TEXT,
    opened_at  BIGINT NOT NULL,
    closed_at  BIGINT,
    closed_by  TEXT   NOT NULL DEFAULT '',
    resolution TEXT   NOT NULL DEFAULT ''
);

-- A second case of a kind is the same case.
CREATE UNIQUE INDEX one_open_case ON operator_case (attempt_id, kind) WHERE closed_at IS NULL;
CREATE INDEX case_open ON operator_case (id) WHERE closed_at IS NULL;
CREATE INDEX case_payment ON operator_case (payment_id, id);

-- +goose Down
DROP TABLE operator_case;
