-- The recipients that a message of a person names in To and Cc.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE outgoing_mail
    -- Pairs of name and address; NULL: each recipient's message names only that recipient.
    ADD COLUMN shown_to jsonb,
    ADD COLUMN shown_cc jsonb;
