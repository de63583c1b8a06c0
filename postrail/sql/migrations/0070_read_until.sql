-- Until when each mailbox was read whole; deadlines of approvals wait for it.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE mailbox_contact
    -- When the last poll began that found nothing more to fetch; NULL: there was none yet.
    ADD COLUMN read_until timestamptz;
