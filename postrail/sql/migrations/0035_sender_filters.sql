-- Senders whose messages are held off, and addresses for answers that name their issue.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE sender_filter (
    name        text PRIMARY KEY,
    description text NOT NULL,
    enabled     boolean NOT NULL,
    addresses   text[] NOT NULL,
    -- Patterns that are searched for in addresses.
    domains     text[] NOT NULL,
    -- The names of mail accounts; none: all.
    accounts    text[] NOT NULL,
    "then"      text NOT NULL
);

-- Addresses with what is expected of allowed_senders.
ALTER TABLE mail_handler ADD COLUMN sample_addresses jsonb NOT NULL DEFAULT '{}';

-- Whether answers go to an address that names the issue: help+12-0f3a…@desk.example.
ALTER TABLE mail_account ADD COLUMN plus_addresses boolean NOT NULL DEFAULT false;
