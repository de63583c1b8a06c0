SET LOCAL lock_timeout = '10s';

-- Connections that a person has paused; "" pauses all outgoing messages.
CREATE TABLE outgoing_pause (
    connection text PRIMARY KEY,
    paused_at  timestamptz NOT NULL,
    paused_by  text NOT NULL,
    reason     text NOT NULL
);

-- Connections with a limit of messages a minute: when the next message may begin.
CREATE TABLE outgoing_rate (
    connection text PRIMARY KEY,
    next_at    timestamptz NOT NULL
);

-- The fallback that sent the message, or "".
ALTER TABLE delivery ADD COLUMN sent_over text NOT NULL DEFAULT '';
