-- Mail handlers: which messages of which accounts become what; and who senders are.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE mail_handler (
    name              text PRIMARY KEY,
    description       text NOT NULL,
    enabled           boolean NOT NULL,
    -- Handlers are asked in this order.
    place             integer NOT NULL,
    -- The names of mail accounts; none: all.
    accounts          text[] NOT NULL,
    -- Conditions and actions, as they are written in a file.
    "when"            jsonb NOT NULL,
    kind              text NOT NULL,
    pattern           text NOT NULL,
    "then"            jsonb NOT NULL,
    project_key       text NOT NULL,
    issue_type        text NOT NULL,
    priority          text NOT NULL,
    labels            text[] NOT NULL,
    components        text[] NOT NULL,
    assignee          text NOT NULL,
    fields            jsonb NOT NULL,
    default_summary   text NOT NULL,
    cc_assignee       boolean NOT NULL,
    cc_watchers       boolean NOT NULL,
    attachments       jsonb NOT NULL,
    -- NULL: as the account says.
    strip_quotations  boolean,
    closed_issues     text NOT NULL,
    forwards          text NOT NULL,
    bare_numbers      boolean NOT NULL,
    unknown_senders   text NOT NULL,
    create_users      boolean NOT NULL,
    notify_users      boolean NOT NULL,
    reporter          text NOT NULL,
    allowed_senders   text[] NOT NULL,
    field_commands    text[] NOT NULL,
    bulk              text NOT NULL,
    catch_address     text NOT NULL,
    catch_headers     text[] NOT NULL,
    ignore_subjects   text[] NOT NULL,
    forward_address   text NOT NULL,
    forward_unhandled boolean NOT NULL,
    jira_parameters   text NOT NULL
);

-- Who a sender is, as the account's own servers state it.
ALTER TABLE mail_account
    ADD COLUMN authserv_ids       text[] NOT NULL DEFAULT '{}',
    ADD COLUMN trusted_hosts      text[] NOT NULL DEFAULT '{}',
    ADD COLUMN unverified_senders text NOT NULL DEFAULT 'accept',
    ADD COLUMN key_alone          text NOT NULL DEFAULT 'participants',
    ADD COLUMN weak_keys          text NOT NULL DEFAULT 'new_issue',
    ADD COLUMN reply_to_senders   text[] NOT NULL DEFAULT '{}';
