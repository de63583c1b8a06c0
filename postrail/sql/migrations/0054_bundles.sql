-- Timed work, and the events that wait for a bundle.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- What a service has to do at a time.
CREATE TABLE timer (
    kind     text NOT NULL,
    -- What it is about; the same key twice is one timer.
    key      text NOT NULL,
    due_at   timestamptz NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    -- Why it failed last.
    reason   text NOT NULL DEFAULT '',
    PRIMARY KEY (kind, key)
);
CREATE INDEX timer_due ON timer (kind, due_at);

-- Events of issues that people have not been told of yet.
CREATE TABLE pending_event (
    -- Events of an issue are numbered in the order of the commits.
    event_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The message that reports it alone.
    outgoing_id  uuid NOT NULL,
    issue_id     bigint NOT NULL,
    issue_key    text NOT NULL,
    conversation text NOT NULL,
    connection   text NOT NULL,
    cause        text NOT NULL,
    subject      text NOT NULL,
    happened_at  timestamptz NOT NULL,
    -- All that its message is made of, as JSON.
    content      text NOT NULL
);

-- The people who wait for them.
CREATE TABLE pending_delivery (
    event_id   bigint NOT NULL REFERENCES pending_event ON DELETE CASCADE,
    recipient  text NOT NULL,
    issue_id   bigint NOT NULL,
    name       text NOT NULL,
    message_id text NOT NULL,
    due_at     timestamptz NOT NULL,
    PRIMARY KEY (event_id, recipient)
);
CREATE INDEX pending_delivery_issue ON pending_delivery (issue_id, due_at);
