-- Limits, and what they count by.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- Those that an operator has changed.
CREATE TABLE limit_setting (
    name     text PRIMARY KEY,
    value    integer NOT NULL,
    minutes  integer NOT NULL,
    senders  text[] NOT NULL
);

-- When it was queued, of an automatic answer; NULL for everything else.
ALTER TABLE delivery ADD COLUMN answered_at timestamptz;
