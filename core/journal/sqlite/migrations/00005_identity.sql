-- The databases that this journal has lived in, the newest last. A file that was restored is told by what the mark beside it says.

-- +goose Up
CREATE TABLE journal_identity (
    epoch   INTEGER PRIMARY KEY,
    home    TEXT    NOT NULL, -- a random word, which stands in the mark as well; '' where somebody holds the journal
    by_whom TEXT    NOT NULL,
    why     TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER epoch_never_changes BEFORE UPDATE ON journal_identity
BEGIN
    SELECT RAISE(ABORT, 'an epoch never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER epoch_stays BEFORE DELETE ON journal_identity
BEGIN
    SELECT RAISE(ABORT, 'an epoch is never deleted');
END;
-- +goose StatementEnd

-- The oldest version of these tables whose programs may still write. A migration that older programs can't work with raises it.
CREATE TABLE schema_compat (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    oldest INTEGER NOT NULL
) STRICT;
INSERT INTO schema_compat (id, oldest) VALUES (1, 5);

-- +goose Down
DROP TABLE schema_compat;
DROP TABLE journal_identity;
