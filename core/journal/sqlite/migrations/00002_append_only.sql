-- What is written stays written, whoever opens the file.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER payment_never_changes BEFORE UPDATE ON payment
BEGIN
    SELECT RAISE(ABORT, 'a payment never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER payment_stays BEFORE DELETE ON payment
BEGIN
    SELECT RAISE(ABORT, 'a payment is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt
BEGIN
    SELECT RAISE(ABORT, 'an attempt is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER attempt_is_itself BEFORE UPDATE OF id, payment_id, n, provider, instance, created_at ON attempt
BEGIN
    SELECT RAISE(ABORT, 'what names an attempt never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER event_never_changes BEFORE UPDATE ON attempt_event
BEGIN
    SELECT RAISE(ABORT, 'an event never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER event_stays BEFORE DELETE ON attempt_event
BEGIN
    SELECT RAISE(ABORT, 'an event is never deleted');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER payment_never_changes;
DROP TRIGGER payment_stays;
DROP TRIGGER attempt_stays;
DROP TRIGGER attempt_is_itself;
DROP TRIGGER event_never_changes;
DROP TRIGGER event_stays;
