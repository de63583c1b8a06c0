-- The recipient's own texts of a message that waits for a bundle.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE pending_delivery
    ADD COLUMN tokens jsonb NOT NULL DEFAULT '{}';
