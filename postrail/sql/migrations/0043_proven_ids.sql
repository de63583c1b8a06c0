-- Whether an id was seen in a message of a proven sender.

SET LOCAL lock_timeout = '10s';

-- false: the server of the mailbox proves senders, and did not prove this one, so anybody may have
-- taken the id. NULL: it proves nobody, the id was only named, or it is of ours or an earlier build.
ALTER TABLE message_index ADD COLUMN proven boolean;
