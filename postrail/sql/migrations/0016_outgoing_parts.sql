-- An outgoing message is stored in parts that its recipients share, by the transaction that causes
-- it; each delivery has a To and a Message-ID of its own.

-- Until this transaction ends, no process of the release before writes what is moved here.
LOCK TABLE outgoing_mail, delivery IN ACCESS EXCLUSIVE MODE;

ALTER TABLE outgoing_mail
    ADD COLUMN language text NOT NULL DEFAULT '',
    ADD COLUMN from_name text NOT NULL DEFAULT '',
    ADD COLUMN reply_to text NOT NULL DEFAULT '',
    -- NULL for a message of the release before, which is stored as a whole.
    ADD COLUMN text text,
    ADD COLUMN in_reply_to text,
    ADD COLUMN reference_ids text[] NOT NULL DEFAULT '{}',
    -- Read by handlers of the release before only.
    ALTER COLUMN message_id DROP NOT NULL;
-- Under another name a sender of the release before cannot claim a message that it cannot send.
ALTER TABLE outgoing_mail RENAME COLUMN message TO whole_message;

ALTER TABLE delivery
    -- The recipient's, for the field To.
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN message_id text,
    -- Texts for this recipient only, by name.
    ADD COLUMN tokens jsonb NOT NULL DEFAULT '{}',
    DROP CONSTRAINT delivery_state_check,
    ADD CONSTRAINT delivery_state_check CHECK (state IN ('queued', 'sending', 'sent', 'deferred',
        'held', 'failed', 'unconfirmed', 'cancelled'));
UPDATE delivery SET message_id = outgoing_mail.message_id FROM outgoing_mail
    WHERE outgoing_mail.outgoing_id = delivery.outgoing_id;
ALTER TABLE delivery ALTER COLUMN message_id SET NOT NULL;
CREATE INDEX delivery_held ON delivery (changed_at) WHERE state = 'held';
