-- outside of a transaction: each statement is one of its own, and may be run again.
--
-- By what reports find their deliveries, and what limits count by.

-- A report names the message that it is about, or the beginning of its id (a return path does).
DROP INDEX CONCURRENTLY IF EXISTS delivery_message_id;
CREATE INDEX CONCURRENTLY delivery_message_id ON delivery (message_id text_pattern_ops);

-- The automatic answers to an address.
DROP INDEX CONCURRENTLY IF EXISTS delivery_answers;
CREATE INDEX CONCURRENTLY delivery_answers ON delivery (lower(recipient COLLATE "C"), answered_at)
    WHERE answered_at IS NOT NULL;

-- What is not sent yet to an address, and what waits for its release.
DROP INDEX CONCURRENTLY IF EXISTS delivery_unsent_to;
CREATE INDEX CONCURRENTLY delivery_unsent_to ON delivery (lower(recipient))
    WHERE state IN ('queued', 'deferred', 'sending', 'held');

-- Without the plus-extension, which a machine may change with each message.
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_of_sender;
CREATE INDEX CONCURRENTLY incoming_mail_of_sender ON incoming_mail (
    left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE "C"), 320), handled_at
) WHERE outcome IN ('issue', 'comment');
-- Whatever became of them: who has written is alive, which a bounce may deny.
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_written;
CREATE INDEX CONCURRENTLY incoming_mail_written ON incoming_mail (
    left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE "C"), 320), handled_at
);
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_of_issue;
CREATE INDEX CONCURRENTLY incoming_mail_of_issue ON incoming_mail (issue_id, handled_at)
    WHERE outcome IN ('issue', 'comment');

-- The notifications of an issue.
DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_of_issue;
CREATE INDEX CONCURRENTLY outgoing_mail_of_issue ON outgoing_mail (issue_id, queued_at)
    WHERE issue_id IS NOT NULL;
-- The one above has the same rows.
DROP INDEX CONCURRENTLY IF EXISTS outgoing_mail_issue;

-- What was sent on to an address; what is held does not count.
DROP INDEX CONCURRENTLY IF EXISTS delivery_sent_on;
CREATE INDEX CONCURRENTLY delivery_sent_on ON delivery (lower(recipient COLLATE "C"), sent_on_at)
    WHERE sent_on_at IS NOT NULL AND state <> 'held';
