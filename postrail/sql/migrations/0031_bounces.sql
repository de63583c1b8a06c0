-- What came back about messages that were sent, and the addresses that are not written to.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- At most one of each kind about a delivery: the first.
CREATE TABLE delivery_report (
    outgoing_id  uuid NOT NULL,
    recipient    text NOT NULL,
    event        text NOT NULL CHECK (event IN
        ('hard', 'soft', 'doubted', 'elsewhere', 'delayed', 'complaint', 'delivered', 'read',
            'deleted')),
    -- The code and class of RFC 3463, or "".
    status       text NOT NULL,
    status_class text NOT NULL,
    reason       text NOT NULL,
    -- The address that failed, where the recipient's passes messages on; else "".
    address      text NOT NULL,
    -- The message that reported it, and when it was received.
    mail_id      uuid NOT NULL,
    reported_at  timestamptz NOT NULL,
    PRIMARY KEY (outgoing_id, recipient, event),
    FOREIGN KEY (outgoing_id, recipient) REFERENCES delivery ON DELETE CASCADE
);
CREATE INDEX delivery_report_soft ON delivery_report (lower(recipient), reported_at)
    WHERE event = 'soft';

CREATE TABLE suppression (
    address     text PRIMARY KEY CHECK (address = lower(address)),
    reason      text NOT NULL,
    -- The message that reported it.
    mail_id     uuid NOT NULL,
    since       timestamptz NOT NULL,
    -- NULL while the address is not written to.
    released_at timestamptz,
    released_by text NOT NULL DEFAULT ''
);

-- note or comment; and where those are sent on that fit nothing, or "".
ALTER TABLE mail_account
    ADD COLUMN bounces         text NOT NULL DEFAULT 'note',
    ADD COLUMN forward_bounces text NOT NULL DEFAULT '';

-- Where bounces go to; blank: to the sender's address.
ALTER TABLE outgoing_connection ADD COLUMN bounce_address text NOT NULL DEFAULT '';
