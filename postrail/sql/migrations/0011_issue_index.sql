-- Issues of any tracker have an id of ours: two trackers may have one key, and keys change.

-- Until this transaction ends, no process of the release before writes what is moved here.
LOCK TABLE issue, incoming_mail, conversation_issue, outgoing_mail, delivery IN ACCESS EXCLUSIVE MODE;

CREATE TABLE issue_index (
    issue_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tracker           text NOT NULL,
    issue_key         text NOT NULL,
    project_key       text NOT NULL,
    -- The conversation that the issue began with; others may have joined it.
    conversation      uuid NOT NULL,
    summary           text NOT NULL,
    -- The Message-ID of the message that made the issue, if a message made it.
    first_message_id  text,
    created_at        timestamptz NOT NULL,
    -- The key first: a subject names a key and no tracker.
    UNIQUE (issue_key, tracker)
);
INSERT INTO issue_index (tracker, issue_key, project_key, conversation, summary, first_message_id,
        created_at)
    SELECT 'builtin', issue.issue_key, project_key, issue.conversation, summary,
        incoming_mail.message_id, created_at
    FROM issue LEFT JOIN incoming_mail USING (mail_id)
    ORDER BY created_at, project_key, number;

-- The former keys of moved and merged issues.
CREATE TABLE issue_alias (
    tracker    text NOT NULL,
    alias_key  text NOT NULL,
    issue_id   bigint NOT NULL REFERENCES issue_index ON DELETE CASCADE,
    PRIMARY KEY (alias_key, tracker)
);
CREATE INDEX issue_alias_issue ON issue_alias (issue_id);

-- People and addresses of an issue.

ALTER TABLE watcher ADD COLUMN issue_id bigint REFERENCES issue_index ON DELETE CASCADE;
UPDATE watcher SET issue_id = indexed.issue_id FROM issue_index AS indexed
    WHERE indexed.issue_key = watcher.issue_key;
ALTER TABLE watcher DROP COLUMN issue_key, ADD PRIMARY KEY (issue_id, address);

ALTER TABLE participant ADD COLUMN issue_id bigint REFERENCES issue_index ON DELETE CASCADE;
UPDATE participant SET issue_id = indexed.issue_id FROM issue_index AS indexed
    WHERE indexed.issue_key = participant.issue_key;
ALTER TABLE participant DROP COLUMN issue_key, ADD PRIMARY KEY (issue_id, address);

ALTER TABLE issue_address ADD COLUMN issue_id bigint REFERENCES issue_index ON DELETE CASCADE;
UPDATE issue_address SET issue_id = indexed.issue_id FROM issue_index AS indexed
    WHERE indexed.issue_key = issue_address.issue_key;
ALTER TABLE issue_address DROP COLUMN issue_key, ADD PRIMARY KEY (issue_id, address);

-- A conversation may have several issues in a project.

ALTER TABLE conversation_issue ADD COLUMN issue_id bigint REFERENCES issue_index ON DELETE CASCADE;
UPDATE conversation_issue SET issue_id = indexed.issue_id FROM issue_index AS indexed
    WHERE indexed.issue_key = conversation_issue.issue_key;
DELETE FROM conversation_issue WHERE issue_id IS NULL;
ALTER TABLE conversation_issue DROP COLUMN project_key, DROP COLUMN issue_key,
    ADD PRIMARY KEY (conversation, issue_id);
CREATE INDEX conversation_issue_issue ON conversation_issue (issue_id);

-- Incoming and outgoing messages keep the key that their issue had then, for people who read it.
-- They are logs, and outlive what they refer to: no foreign keys.

ALTER TABLE incoming_mail ADD COLUMN issue_id bigint;
UPDATE incoming_mail SET issue_id = indexed.issue_id FROM issue_index AS indexed
    WHERE indexed.issue_key = incoming_mail.issue_key;
DROP INDEX incoming_mail_issue;
CREATE INDEX incoming_mail_issue ON incoming_mail (issue_id) WHERE issue_id IS NOT NULL;

ALTER TABLE outgoing_mail ADD COLUMN issue_id bigint;
UPDATE outgoing_mail SET issue_id = indexed.issue_id FROM issue_index AS indexed
    WHERE indexed.issue_key = outgoing_mail.issue_key;
DROP INDEX outgoing_mail_issue;
CREATE INDEX outgoing_mail_issue ON outgoing_mail (issue_id) WHERE issue_id IS NOT NULL;

-- Messages of one issue to one recipient keep their order; messages without an issue have none.
ALTER TABLE delivery ADD COLUMN issue_id bigint;
UPDATE delivery SET issue_id = outgoing_mail.issue_id FROM outgoing_mail
    WHERE outgoing_mail.outgoing_id = delivery.outgoing_id AND outgoing_mail.issue_id IS NOT NULL;
ALTER TABLE delivery DROP COLUMN issue_key;
CREATE INDEX delivery_order ON delivery (issue_id, recipient, sequence)
    WHERE state IN ('queued', 'sending');
