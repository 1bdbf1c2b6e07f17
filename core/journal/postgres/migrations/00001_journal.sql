-- The tables of SQLite's journal once more, with what several gateways on one database need beside them.
-- Times are microseconds since 1970 in UTC; NULL where there is none. Money is "100000 IDR", or '' where it isn't known.
-- Maps are JSON objects, as text: jsonb refuses characters that a provider may send. Ids compare by their bytes, as they do in Go.

-- +goose Up
CREATE TABLE payment (
    id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY CHECK (id <> ''),
    client      TEXT    NOT NULL,
    key         TEXT    NOT NULL CHECK (key <> ''),
    fingerprint TEXT    NOT NULL,
    merchant    TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    amount      TEXT    NOT NULL,
    max_cost    TEXT    NOT NULL,
    extra       TEXT    NOT NULL,
    inquiry     TEXT    NOT NULL,
    created_at  BIGINT NOT NULL
);

-- One payment under one key of one client. The key stands first, so that it can be looked up alone as well.
CREATE UNIQUE INDEX payment_key ON payment (key, client);
CREATE INDEX payment_newest ON payment (created_at, id);
CREATE INDEX payment_client ON payment (client, created_at, id);
CREATE INDEX payment_account ON payment (account, created_at, id);

CREATE TABLE attempt (
    id            TEXT    COLLATE "C" NOT NULL PRIMARY KEY CHECK (id <> ''),
    payment_id    TEXT    COLLATE "C" NOT NULL REFERENCES payment (id),
    n             BIGINT NOT NULL CHECK (n >= 1),
    provider      TEXT    NOT NULL,
    instance      TEXT    NOT NULL,
    product       TEXT    NOT NULL,
    quote         TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (
        state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED', 'CONFIRMED', 'REFUNDED', 'FAILED')
    ),
    fence         BIGINT NOT NULL CHECK (fence >= 0),
    owner         TEXT    NOT NULL,
    next_at       BIGINT,
    checks        BIGINT NOT NULL CHECK (checks >= 0),
    outcome       TEXT    NOT NULL,
    code          TEXT    NOT NULL,
    provider_code TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    invoice       TEXT CHECK (invoice <> ''),
    reference     TEXT    NOT NULL,
    receiver_name TEXT    NOT NULL,
    cost          TEXT    NOT NULL,
    cashback      TEXT    NOT NULL,
    provider_time BIGINT,
    details       TEXT    NOT NULL,
    started_at    BIGINT,
    ended_at      BIGINT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

CREATE UNIQUE INDEX attempt_n ON attempt (payment_id, n);

-- At most one attempt of a payment may ever have moved money.
CREATE UNIQUE INDEX one_live_attempt ON attempt (payment_id)
    WHERE state IN ('SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED', 'CONFIRMED', 'REFUNDED');

CREATE UNIQUE INDEX attempt_invoice ON attempt (provider, invoice) WHERE invoice IS NOT NULL;

-- What somebody should look at, by the time when, and what isn't at its end, by its state.
CREATE INDEX attempt_due ON attempt (next_at)
    WHERE state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN') AND next_at IS NOT NULL;
CREATE INDEX attempt_open ON attempt (state)
    WHERE state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED');

CREATE TABLE attempt_event (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id TEXT    COLLATE "C" NOT NULL REFERENCES attempt (id),
    from_state TEXT    NOT NULL CHECK (
        from_state IN ('', 'CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED', 'CONFIRMED', 'REFUNDED', 'FAILED')
    ),
    to_state   TEXT    NOT NULL CHECK (
        to_state IN ('CREATED', 'SENDING', 'ACCEPTED', 'UNKNOWN', 'PARKED', 'CONFIRMED', 'REFUNDED', 'FAILED')
    ),
    fence      BIGINT NOT NULL,
    actor      TEXT    NOT NULL,
    why        TEXT    NOT NULL,
    evidence   TEXT,
    at         BIGINT NOT NULL,
    CHECK (from_state <> to_state)
);

CREATE INDEX event_attempt ON attempt_event (attempt_id);

CREATE TABLE inquiry (
    id            TEXT    COLLATE "C" NOT NULL PRIMARY KEY CHECK (id <> ''),
    client        TEXT    NOT NULL,
    merchant      TEXT    NOT NULL,
    account       TEXT    NOT NULL,
    amount        TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    product       TEXT    NOT NULL,
    token         TEXT    NOT NULL,
    receiver_name TEXT    NOT NULL,
    cost          TEXT    NOT NULL,
    cashback      TEXT    NOT NULL,
    details       TEXT    NOT NULL,
    expires_at    BIGINT,
    created_at    BIGINT NOT NULL
);

-- One row, written to find out whether the journal can be written to.
CREATE TABLE heartbeat (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);

-- The oldest version of these tables whose programs may still write. A migration that older programs can't work with raises it.
CREATE TABLE schema_compat (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    oldest BIGINT NOT NULL
);
INSERT INTO schema_compat (id, oldest) VALUES (1, 1);

-- The databases that this journal has lived in, the newest last: a copy that was restored somewhere else is told by it.
CREATE TABLE journal_identity (
    epoch     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system_id TEXT   NOT NULL,
    database  BIGINT NOT NULL,
    timeline  BIGINT NOT NULL,
    by_whom   TEXT   NOT NULL,
    why       TEXT   NOT NULL,
    at        BIGINT NOT NULL
);

-- +goose Down
DROP TABLE journal_identity;
DROP TABLE schema_compat;
DROP TABLE heartbeat;
DROP TABLE inquiry;
DROP TABLE attempt_event;
DROP TABLE attempt;
DROP TABLE payment;
