-- outside of a transaction: each statement is one of its own, and may be run again.

ALTER TABLE outgoing_mail
    -- What a message about no issue is: forward, reply, notice or account.
    ADD COLUMN IF NOT EXISTS purpose text NOT NULL DEFAULT '',
    -- The mail_id of the incoming message that is attached.
    ADD COLUMN IF NOT EXISTS forwards uuid;
-- Counts what an address gets; see the limit "forwards".
DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_sent_on;
CREATE INDEX CONCURRENTLY outgoing_mail_sent_on ON outgoing_mail (queued_at)
    WHERE purpose IN ('forward', 'notice');

-- When people were last told of something that may happen again and again.
CREATE TABLE IF NOT EXISTS notice (
    cause    text PRIMARY KEY,
    sent_at  timestamptz NOT NULL
);
