-- outside of a transaction: each statement is one of its own, and may be run again.
--
-- Limits count in the time of the messages: a backlog that is handled in one go is no flood.

DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_sender_came;
CREATE INDEX CONCURRENTLY incoming_mail_sender_came ON incoming_mail (
    left(lower(regexp_replace(sender, '[+][^@]*@', '@') COLLATE "C"), 320),
    least(received_at, fetched_at)
) WHERE outcome IN ('issue', 'comment');
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_issue_came;
CREATE INDEX CONCURRENTLY incoming_mail_issue_came
    ON incoming_mail (issue_id, least(received_at, fetched_at))
    WHERE outcome IN ('issue', 'comment');

-- The ones above have the same rows.
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_of_sender;
DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_of_issue;
