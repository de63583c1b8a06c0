-- Messages about no issue: forwards, answers to authors, notices.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE outgoing_mail
    -- What a message about no issue is: forward, reply, notice or account.
    ADD COLUMN purpose text NOT NULL DEFAULT '',
    -- The mail_id of the incoming message that is attached.
    ADD COLUMN forwards uuid;

-- When it was queued, of a forward or a notice; NULL for everything else.
ALTER TABLE delivery ADD COLUMN sent_on_at timestamptz;

-- When people were last told of something that may happen again and again.
CREATE TABLE notice (
    cause    text PRIMARY KEY,
    sent_at  timestamptz NOT NULL
);
