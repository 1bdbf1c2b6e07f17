-- What a quote is worth: it is paid once, and it may hold money.

-- +goose Up
-- A quote's token is for one payment: at most one attempt that has not failed may have it. Before this version no provider of this project gave tokens. An older
-- program that runs beside is refused by the index too, and sends nothing then.
CREATE UNIQUE INDEX attempt_quote ON attempt (provider, instance, quote) WHERE quote <> '' AND state <> 'FAILED';

ALTER TABLE inquiry ADD COLUMN reserves BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE inquiry DROP COLUMN reserves;
DROP INDEX attempt_quote;
