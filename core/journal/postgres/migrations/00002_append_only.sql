-- What is written stays written, whoever opens the database.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION journal_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER payment_never_changes BEFORE UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('a payment never changes');
CREATE TRIGGER payment_stays BEFORE DELETE ON payment
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('a payment is never deleted');
CREATE TRIGGER attempt_stays BEFORE DELETE ON attempt
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('an attempt is never deleted');
CREATE TRIGGER attempt_is_itself BEFORE UPDATE OF id, payment_id, n, provider, instance, created_at ON attempt
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('what names an attempt never changes');
CREATE TRIGGER event_never_changes BEFORE UPDATE ON attempt_event
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('an event never changes');
CREATE TRIGGER event_stays BEFORE DELETE ON attempt_event
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('an event is never deleted');
CREATE TRIGGER identity_never_changes BEFORE UPDATE OR DELETE ON journal_identity
    FOR EACH ROW EXECUTE FUNCTION journal_refuses('an epoch never changes');
CREATE TRIGGER payment_is_kept BEFORE TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses('a journal is never emptied');
CREATE TRIGGER attempt_is_kept BEFORE TRUNCATE ON attempt
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses('a journal is never emptied');
CREATE TRIGGER attempt_event_is_kept BEFORE TRUNCATE ON attempt_event
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses('a journal is never emptied');
CREATE TRIGGER journal_identity_is_kept BEFORE TRUNCATE ON journal_identity
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses('a journal is never emptied');

-- +goose Down
DROP TRIGGER payment_never_changes ON payment;
DROP TRIGGER payment_stays ON payment;
DROP TRIGGER attempt_stays ON attempt;
DROP TRIGGER attempt_is_itself ON attempt;
DROP TRIGGER event_never_changes ON attempt_event;
DROP TRIGGER event_stays ON attempt_event;
DROP TRIGGER identity_never_changes ON journal_identity;
DROP TRIGGER payment_is_kept ON payment;
DROP TRIGGER attempt_is_kept ON attempt;
DROP TRIGGER attempt_event_is_kept ON attempt_event;
DROP TRIGGER journal_identity_is_kept ON journal_identity;
DROP FUNCTION journal_refuses();
