-- outside of a transaction: each statement is one of its own, and may be run again.

ALTER TABLE outgoing_mail
    -- What a message about no issue is: forward, reply, notice or account.
    ADD COLUMN IF NOT EXISTS purpose text NOT NULL DEFAULT '',
    -- The mail_id of the incoming message that is attached.
    ADD COLUMN IF NOT EXISTS forwards uuid;
DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_forwards;
CREATE INDEX CONCURRENTLY outgoing_mail_forwards ON outgoing_mail (queued_at)
    WHERE forwards IS NOT NULL;

-- When people were last told of something that may happen again and again.
CREATE TABLE IF NOT EXISTS notice (
    cause    text PRIMARY KEY,
    sent_at  timestamptz NOT NULL
);
