-- The drafts in Microsoft Graph that senders are about to send.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE delivery
    -- The immutable id; a sender that takes over finds out by it whether the message was sent.
    ADD COLUMN draft text;
