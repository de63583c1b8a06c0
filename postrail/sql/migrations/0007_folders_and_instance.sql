-- Mail accounts of the protocol `folder` name a place on this machine.

ALTER TABLE mail_account ADD COLUMN path text NOT NULL DEFAULT '';

-- Whose database this is: a copy of it that comes into other hands must not be worked twice.
CREATE TABLE instance (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    name      text NOT NULL,
    since     timestamptz NOT NULL
);
