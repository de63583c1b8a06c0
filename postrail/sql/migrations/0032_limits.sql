-- outside of a transaction: each statement is one of its own, and may be run again.
--
-- Limits, and what they count by: messages by sender and by conversation, the notifications of an
-- issue, the automatic answers to an address.

-- Those that an operator has changed.
CREATE TABLE IF NOT EXISTS limit_setting (
    name     text PRIMARY KEY,
    value    integer NOT NULL,
    minutes  integer NOT NULL,
    senders  text[] NOT NULL
);

-- When it was queued, of an automatic answer; NULL for everything else.
ALTER TABLE delivery ADD COLUMN IF NOT EXISTS answered_at timestamptz;
DROP INDEX CONCURRENTLY IF EXISTS delivery_answers;
CREATE INDEX CONCURRENTLY delivery_answers ON delivery (lower(recipient COLLATE "C"), answered_at)
    WHERE answered_at IS NOT NULL;

-- Without the plus-extension, which a machine may change with each message.
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_of_sender;
CREATE INDEX CONCURRENTLY incoming_mail_of_sender ON incoming_mail (
    left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE "C"), 320), handled_at
) WHERE outcome IN ('issue', 'comment');
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_of_queue;
CREATE INDEX CONCURRENTLY incoming_mail_of_queue ON incoming_mail (queue, handled_at)
    WHERE outcome IN ('issue', 'comment');

DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_of_issue;
CREATE INDEX CONCURRENTLY outgoing_mail_of_issue ON outgoing_mail (issue_id, queued_at)
    WHERE issue_id IS NOT NULL;
-- The one above has the same rows.
DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_issue;
