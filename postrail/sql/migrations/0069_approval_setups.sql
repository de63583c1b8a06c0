-- Approval setups, the accounts for answers, and the statuses that ask for approvals.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE approval_setup (
    name                text PRIMARY KEY,
    description         text NOT NULL,
    enabled             boolean NOT NULL,
    -- The names of a mail account and of an outgoing connection, or "".
    account             text NOT NULL,
    connection          text NOT NULL,
    reply_address       text NOT NULL,
    group_address       boolean NOT NULL,
    -- refuse or decide.
    unverified_senders  text NOT NULL,
    comment_required    boolean NOT NULL,
    -- {"en": {"approve": […], "reject": […]}, …}
    words               jsonb NOT NULL,
    language            text NOT NULL,
    -- Sealed, or a reference.
    callback_secret     text NOT NULL,
    callback_hosts      text[] NOT NULL,
    page_url            text NOT NULL,
    dedicated_mailbox   boolean NOT NULL
);

ALTER TABLE mail_account
    -- issues or approvals.
    ADD COLUMN purpose  text NOT NULL DEFAULT 'issues',
    -- The name of an outgoing connection, or "".
    ADD COLUMN login_of text NOT NULL DEFAULT '';

ALTER TABLE project_status
    -- Members of the project, as in project_role; none: its leads and administrators.
    ADD COLUMN approvers      text[] NOT NULL DEFAULT '{}',
    -- any, all, order, or the number of approvals that are needed.
    ADD COLUMN approval_rule  text NOT NULL DEFAULT 'any',
    -- The name of an approval setup; "": only leads and administrators move issues there.
    ADD COLUMN approval_setup text NOT NULL DEFAULT '';
