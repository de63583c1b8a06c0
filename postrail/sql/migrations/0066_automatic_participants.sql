-- Which participants only automatic messages brought to an issue: no rule tells them of it.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE participant
    -- They are the senders of automatic messages, such as a monitoring system.
    ADD COLUMN automatic boolean NOT NULL DEFAULT false;
