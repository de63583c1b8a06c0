-- Operation: what people configure.

CREATE TABLE project (
    project_key         text PRIMARY KEY CHECK (project_key ~ '^[A-Z][A-Z0-9_]{1,19}$'),
    name                text NOT NULL,
    default_issue_type  text NOT NULL,
    connection          text,
    next_number         bigint NOT NULL DEFAULT 1
);

CREATE TABLE issue_type (
    project_key  text NOT NULL REFERENCES project ON DELETE CASCADE,
    name         text NOT NULL,
    PRIMARY KEY (project_key, name)
);

CREATE TABLE person (
    address  text PRIMARY KEY CHECK (address = lower(address)),
    name     text NOT NULL DEFAULT '',
    enabled  boolean NOT NULL DEFAULT true
);

CREATE TABLE mail_account (
    name                text PRIMARY KEY,
    description         text NOT NULL DEFAULT '',
    enabled             boolean NOT NULL DEFAULT true,
    protocol            text NOT NULL,
    host                text NOT NULL,
    port                integer NOT NULL,
    encryption          text NOT NULL,
    username            text NOT NULL,
    password            text NOT NULL,
    folder              text NOT NULL,
    address             text NOT NULL,
    project_key         text NOT NULL REFERENCES project,
    poll_seconds        double precision NOT NULL,
    idle                boolean NOT NULL,
    timeout_seconds     double precision NOT NULL,
    ca_file             text NOT NULL DEFAULT '',
    verify_certificate  boolean NOT NULL DEFAULT true
);

CREATE TABLE outgoing_connection (
    name                text PRIMARY KEY,
    description         text NOT NULL DEFAULT '',
    enabled             boolean NOT NULL DEFAULT true,
    is_default          boolean NOT NULL DEFAULT false,
    host                text NOT NULL,
    port                integer NOT NULL,
    encryption          text NOT NULL,
    username            text NOT NULL DEFAULT '',
    password            text NOT NULL DEFAULT '',
    from_address        text NOT NULL,
    from_name           text NOT NULL DEFAULT '',
    timeout_seconds     double precision NOT NULL,
    ca_file             text NOT NULL DEFAULT '',
    verify_certificate  boolean NOT NULL DEFAULT true
);

CREATE TABLE configuration_change (
    change_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at  timestamptz NOT NULL,
    author      text NOT NULL,
    kind        text NOT NULL,
    name        text NOT NULL,
    before      jsonb,
    after       jsonb
);

-- Fetching: how far each mailbox was read, and marked as seen there. Both only grow within a
-- UIDVALIDITY.

CREATE TABLE sync_state (
    mailbox       text NOT NULL,
    folder        text NOT NULL,
    uid_validity  bigint NOT NULL,
    last_uid      bigint NOT NULL,
    seen_uid      bigint NOT NULL,
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (mailbox, folder)
);

-- Incoming mail: ledger, incoming queue and incoming log in one.

CREATE SEQUENCE arrival_number;

CREATE TABLE incoming_mail (
    mail_id        uuid PRIMARY KEY,
    mailbox        text NOT NULL,
    source         text NOT NULL,
    state          text NOT NULL CHECK (state IN
        ('fetched', 'new', 'working', 'waiting', 'done', 'failed', 'quarantined')),
    size           bigint NOT NULL,
    received_at    timestamptz,
    fetched_at     timestamptz NOT NULL,
    raw_partition  integer,
    raw_offset     bigint,
    -- Each blob that this mail names: its raw bytes, bodies and attachments.
    blobs          text[] NOT NULL DEFAULT '{}',
    -- From the parser.
    subject        text NOT NULL DEFAULT '',
    sender         text NOT NULL DEFAULT '',
    message_id     text,
    fingerprint    text,
    parsed         bytea,
    -- Order: mails of one conversation, or of one queue, are worked in the order of their arrival
    -- numbers. The queue of a mail that only names an issue's key is that issue's conversation.
    conversation   uuid,
    queue          uuid,
    arrival        bigint,
    due_at         timestamptz,
    attempts       integer NOT NULL DEFAULT 0,
    -- What was decided, and why.
    revision       integer NOT NULL DEFAULT 0,
    outcome        text,
    reason         text,
    issue_key      text,
    comment_id     bigint,
    trace          jsonb,
    handled_at     timestamptz
);
-- The parsed mail is read once and written once: compression would cost more than it saves.
ALTER TABLE incoming_mail ALTER COLUMN parsed SET STORAGE EXTERNAL;

CREATE INDEX incoming_mail_due ON incoming_mail (due_at, arrival) WHERE state IN ('new', 'waiting');
CREATE INDEX incoming_mail_unfinished ON incoming_mail (conversation, arrival)
    WHERE state IN ('new', 'working', 'waiting');
CREATE INDEX incoming_mail_queue ON incoming_mail (queue, arrival)
    WHERE state IN ('new', 'working', 'waiting');
CREATE INDEX incoming_mail_open ON incoming_mail (fetched_at)
    WHERE state IN ('fetched', 'new', 'working', 'waiting');
CREATE INDEX incoming_mail_failed ON incoming_mail (handled_at) WHERE state IN ('failed', 'quarantined');
CREATE INDEX incoming_mail_fingerprint ON incoming_mail (fingerprint);
CREATE INDEX incoming_mail_log ON incoming_mail (fetched_at DESC);
CREATE INDEX incoming_mail_issue ON incoming_mail (issue_key) WHERE issue_key IS NOT NULL;
CREATE INDEX incoming_mail_blobs ON incoming_mail USING gin (blobs) WHERE blobs <> '{}';

-- Conversations: each Message-ID seen or named, in or out, by the first 16 bytes of its SHA-256.

CREATE TABLE message_index (
    message_hash  bytea PRIMARY KEY,
    conversation  uuid NOT NULL
);
CREATE INDEX message_index_conversation ON message_index (conversation);

CREATE TABLE conversation_issue (
    conversation  uuid NOT NULL,
    project_key   text NOT NULL,
    issue_key     text NOT NULL,
    PRIMARY KEY (conversation, project_key)
);
CREATE INDEX conversation_issue_key ON conversation_issue (issue_key);

-- Offsets beside the rows that they stand for.

CREATE TABLE intake_offset (
    consumer_group  text NOT NULL,
    topic           text NOT NULL,
    partition       integer NOT NULL,
    next_offset     bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
);

CREATE TABLE outbox (
    outbox_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text NOT NULL,
    key         text NOT NULL,
    value       bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
ALTER TABLE outbox ALTER COLUMN value SET STORAGE EXTERNAL;

-- Outgoing mail: the outgoing queue and log.

CREATE TABLE outgoing_mail (
    outgoing_id    uuid PRIMARY KEY,
    sequence       bigint GENERATED ALWAYS AS IDENTITY,
    conversation   text NOT NULL,
    issue_key      text,
    cause          text NOT NULL,
    connection     text NOT NULL,
    envelope_from  text NOT NULL,
    message_id     text NOT NULL,
    subject        text NOT NULL,
    queued_at      timestamptz NOT NULL,
    received_at    timestamptz,
    mailbox        text,
    message        bytea,
    message_blob   text
);
ALTER TABLE outgoing_mail ALTER COLUMN message SET STORAGE EXTERNAL;
CREATE INDEX outgoing_mail_log ON outgoing_mail (sequence DESC);
CREATE INDEX outgoing_mail_issue ON outgoing_mail (issue_key) WHERE issue_key IS NOT NULL;
CREATE INDEX outgoing_mail_blob ON outgoing_mail (message_blob) WHERE message_blob IS NOT NULL;

CREATE TABLE delivery (
    outgoing_id  uuid NOT NULL REFERENCES outgoing_mail ON DELETE CASCADE,
    recipient    text NOT NULL,
    connection   text NOT NULL,
    sequence     bigint NOT NULL,
    -- Mails of one issue to one recipient keep their order; mails without an issue have none.
    issue_key    text,
    state        text NOT NULL CHECK (state IN
        ('queued', 'sending', 'sent', 'deferred', 'failed', 'cancelled')),
    due_at       timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    claim        uuid,
    claim_until  timestamptz,
    reply        text NOT NULL DEFAULT '',
    maybe_twice  boolean NOT NULL DEFAULT false,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (outgoing_id, recipient)
);
-- By connection, so that the backlog of a server that is away is not searched for the others' mail.
CREATE INDEX delivery_due ON delivery (connection, due_at, sequence)
    WHERE state IN ('queued', 'deferred');
CREATE INDEX delivery_claims ON delivery (claim_until) WHERE state = 'sending';
CREATE INDEX delivery_failed ON delivery (changed_at) WHERE state = 'failed';
CREATE INDEX delivery_order ON delivery (issue_key, recipient, sequence)
    WHERE state IN ('queued', 'sending');

-- The built-in tracker.

CREATE TABLE issue (
    issue_key         text PRIMARY KEY,
    project_key       text NOT NULL REFERENCES project,
    number            bigint NOT NULL,
    issue_type        text NOT NULL,
    summary           text NOT NULL,
    description       text NOT NULL,
    description_blob  text,
    status            text NOT NULL DEFAULT 'open',
    reporter_address  text NOT NULL,
    reporter_name     text NOT NULL DEFAULT '',
    conversation      uuid NOT NULL,
    mail_id           uuid,
    revision          integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    changed_at        timestamptz NOT NULL,
    UNIQUE (project_key, number),
    -- No mail takes effect twice, whatever else goes wrong.
    UNIQUE (mail_id, revision)
);
CREATE INDEX issue_description_blob ON issue (description_blob) WHERE description_blob IS NOT NULL;

CREATE TABLE comment (
    comment_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issue_key       text NOT NULL REFERENCES issue ON DELETE CASCADE,
    author_address  text NOT NULL,
    author_name     text NOT NULL DEFAULT '',
    body            text NOT NULL,
    body_blob       text,
    mail_id         uuid,
    revision        integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    UNIQUE (mail_id, revision)
);
CREATE INDEX comment_issue ON comment (issue_key, comment_id);
CREATE INDEX comment_body_blob ON comment (body_blob) WHERE body_blob IS NOT NULL;

CREATE TABLE attachment (
    attachment_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issue_key      text NOT NULL REFERENCES issue ON DELETE CASCADE,
    comment_id     bigint REFERENCES comment ON DELETE CASCADE,
    name           text NOT NULL,
    content_type   text NOT NULL,
    size           bigint NOT NULL,
    sha256         text NOT NULL
);
CREATE INDEX attachment_issue ON attachment (issue_key);
CREATE INDEX attachment_sha256 ON attachment (sha256);

CREATE TABLE watcher (
    issue_key  text NOT NULL REFERENCES issue ON DELETE CASCADE,
    address    text NOT NULL,
    name       text NOT NULL DEFAULT '',
    PRIMARY KEY (issue_key, address)
);

-- Whoever sent or was sent a mail of the issue: may comment by naming its key.
CREATE TABLE participant (
    issue_key  text NOT NULL REFERENCES issue ON DELETE CASCADE,
    address    text NOT NULL,
    PRIMARY KEY (issue_key, address)
);

-- The watched addresses at which an issue's mail arrived.
CREATE TABLE issue_address (
    issue_key  text NOT NULL REFERENCES issue ON DELETE CASCADE,
    address    text NOT NULL,
    PRIMARY KEY (issue_key, address)
);

CREATE TABLE issue_link (
    issue_key   text NOT NULL REFERENCES issue ON DELETE CASCADE,
    linked_key  text NOT NULL REFERENCES issue ON DELETE CASCADE,
    kind        text NOT NULL,
    PRIMARY KEY (issue_key, linked_key)
);
