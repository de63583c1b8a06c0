-- outside of a transaction: each statement is one of its own, and may be run again.
--
-- Which issue has a message that is answered: a machine makes thousands of one conversation.

DROP INDEX CONCURRENTLY IF EXISTS incoming_mail_message_id;
CREATE INDEX CONCURRENTLY incoming_mail_message_id ON incoming_mail (message_id)
    WHERE issue_id IS NOT NULL;
