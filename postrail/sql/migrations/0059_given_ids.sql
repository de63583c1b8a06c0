-- The Message-IDs that Exchange and Amazon SES give to messages of ours.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE delivery
    -- In place of its own `message_id`; answers and bounces name this one.
    ADD COLUMN given_id text;
