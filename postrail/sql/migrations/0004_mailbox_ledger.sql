-- Mailboxes whose server names mails by keys (POP3: UIDL; a folder: file name; Graph: immutable id)
-- instead of numbers that only grow: the numbers are ours.

CREATE TABLE mailbox_ledger (
    mailbox     text NOT NULL,
    folder      text NOT NULL,
    key         text NOT NULL,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    -- Its mail has a row in incoming_mail, or had one.
    recorded    boolean NOT NULL DEFAULT false,
    -- Since when the server does not list it any more.
    gone_since  timestamptz,
    PRIMARY KEY (mailbox, folder, key)
);
CREATE INDEX mailbox_ledger_number ON mailbox_ledger (mailbox, folder, number);
