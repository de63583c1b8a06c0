-- Since when a delivery is tried, and which connection it was too large for.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE delivery
    -- When the attempts began that count toward giving it up; NULL: the next one is the first.
    ADD COLUMN tried_since timestamptz,
    -- The connection whose fallback it goes over because of its size, or "".
    ADD COLUMN moved_from text NOT NULL DEFAULT '';
