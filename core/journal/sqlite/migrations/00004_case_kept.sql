-- Whoever parks an attempt opens its task, and whoever takes it out closes it: the tables themselves see to that, in the same transaction. A case stays, and changes only
-- by being closed.

-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER parked_opens_case AFTER INSERT ON attempt_event WHEN NEW.to_state = 'PARKED'
BEGIN
    INSERT INTO operator_case (payment_id, attempt_id, kind, why, evidence, opened_at)
    SELECT a.payment_id, a.id, 'parked', NEW.why, NEW.evidence, NEW.at FROM attempt AS a WHERE a.id = NEW.attempt_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER resolved_closes_case AFTER INSERT ON attempt_event WHEN NEW.from_state = 'PARKED'
BEGIN
    UPDATE operator_case SET closed_at = NEW.at, closed_by = NEW.actor, resolution = NEW.why
    WHERE attempt_id = NEW.attempt_id AND kind = 'parked' AND closed_at IS NULL;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER case_is_itself BEFORE UPDATE OF id, payment_id, attempt_id, kind, why, evidence, opened_at ON operator_case
BEGIN
    SELECT RAISE(ABORT, 'what a case says never changes');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER case_stays_closed BEFORE UPDATE ON operator_case WHEN OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'a case changes only by being closed, once');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER case_stays BEFORE DELETE ON operator_case
BEGIN
    SELECT RAISE(ABORT, 'a case is never deleted');
END;
-- +goose StatementEnd

-- What was parked before there were cases.
INSERT INTO operator_case (payment_id, attempt_id, kind, why, opened_at)
SELECT a.payment_id, a.id, 'parked', 'parked before there were cases', a.updated_at
FROM attempt AS a WHERE a.state = 'PARKED';

-- +goose Down
DROP TRIGGER parked_opens_case;
DROP TRIGGER resolved_closes_case;
DROP TRIGGER case_is_itself;
DROP TRIGGER case_stays_closed;
DROP TRIGGER case_stays;
