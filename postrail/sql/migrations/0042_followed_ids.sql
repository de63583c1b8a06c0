-- The id by which a message joined its conversation: a message that waits follows it to another one.

SET LOCAL lock_timeout = '10s';

-- A hash of message_index that had been seen by then. NULL: the message began its conversation, or
-- joined it by an id that was only named, or was taken in by an earlier build.
ALTER TABLE incoming_mail ADD COLUMN joined_by bytea;
