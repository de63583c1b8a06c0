-- When each mail server was last reached, and what is wrong since when: for people who look.

CREATE TABLE mailbox_contact (
    mailbox        text PRIMARY KEY,
    reached_at     timestamptz,
    -- Blank while all is well.
    problem        text NOT NULL DEFAULT '',
    setting        text NOT NULL DEFAULT '',
    remedy         text NOT NULL DEFAULT '',
    problem_since  timestamptz
);

ALTER TABLE mail_account
    ADD COLUMN debug       boolean NOT NULL DEFAULT false,
    ADD COLUMN properties  text NOT NULL DEFAULT '';
