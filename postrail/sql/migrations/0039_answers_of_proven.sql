-- Automatic answers to proven senders count apart from those to senders whom anybody may forge.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- Of an automatic answer: the sender of the message that it answers is proven.
ALTER TABLE delivery ADD COLUMN answers_proven boolean NOT NULL DEFAULT false;
