-- An attempt without a reply to the final dot is repeated a few times, and then waits for a person.

ALTER TABLE delivery
    DROP CONSTRAINT delivery_state_check,
    ADD CONSTRAINT delivery_state_check CHECK (state IN
        ('queued', 'sending', 'sent', 'deferred', 'failed', 'unconfirmed', 'cancelled')),
    -- The number of attempts whose outcome is unknown.
    ADD COLUMN unknown_attempts integer NOT NULL DEFAULT 0,
    -- False from the claim until the sender is about to write the final dot. A sender of the release
    -- before sets it never: then it must be true when its claim expires.
    ADD COLUMN begun boolean NOT NULL DEFAULT true;
CREATE INDEX delivery_unconfirmed ON delivery (changed_at) WHERE state = 'unconfirmed';
