-- Whoever parks an attempt opens its task, and whoever takes it out closes it: the tables themselves see to that, in the same transaction, for an older program that runs
-- beside too. A case stays, and changes only by being closed.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION journal_keeps_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.to_state = 'PARKED' THEN
        INSERT INTO operator_case (payment_id, attempt_id, kind, why, evidence, opened_at)
        SELECT a.payment_id, a.id, 'parked', NEW.why, NEW.evidence, NEW.at FROM attempt AS a WHERE a.id = NEW.attempt_id;
    ELSE
        UPDATE operator_case SET closed_at = NEW.at, closed_by = NEW.actor, resolution = NEW.why
        WHERE attempt_id = NEW.attempt_id AND kind = 'parked' AND closed_at IS NULL;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION journal_keeps_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL OR NEW.closed_at IS NULL THEN
        RAISE EXCEPTION 'a case changes only by being closed, once' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER parked_has_case AFTER INSERT ON attempt_event
    FOR EACH ROW WHEN (NEW.to_state = 'PARKED' OR NEW.from_state = 'PARKED') EXECUTE FUNCTION journal_keeps_task();
CREATE TRIGGER case_is_itself BEFORE UPDATE OF id, payment_id, attempt_id, kind, why, evidence, opened_at ON operator_case
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('what a case says never changes');
CREATE TRIGGER case_stays_closed BEFORE UPDATE ON operator_case
    FOR EACH ROW EXECUTE FUNCTION journal_keeps_case();
CREATE TRIGGER case_stays BEFORE DELETE ON operator_case
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('a case is never deleted');
CREATE TRIGGER case_is_kept BEFORE TRUNCATE ON operator_case
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses('a journal is never emptied');

-- What was parked before there were cases. The trigger above holds up whoever parks meanwhile until this is committed.
INSERT INTO operator_case (payment_id, attempt_id, kind, why, opened_at)
SELECT a.payment_id, a.id, 'parked', 'parked before there were cases', a.updated_at
FROM attempt AS a WHERE a.state = 'PARKED';

-- +goose Down
DROP TRIGGER parked_has_case ON attempt_event;
DROP TRIGGER case_is_itself ON operator_case;
DROP TRIGGER case_stays_closed ON operator_case;
DROP TRIGGER case_stays ON operator_case;
DROP TRIGGER case_is_kept ON operator_case;
DROP FUNCTION journal_keeps_task();
DROP FUNCTION journal_keeps_case();
