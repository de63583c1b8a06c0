-- Approval requests, whom they ask, and the ledger of all that happened to them.
SET LOCAL lock_timeout = '10s';

CREATE TABLE approval_request (
    request_id           uuid PRIMARY KEY,
    -- People name the request by it: A-12.
    number               bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    setup                text NOT NULL,
    -- Of the caller; the same key makes no second request.
    idempotency_key      text UNIQUE,
    -- SHA-256 of what was asked for with the key.
    order_digest         text NOT NULL,
    made_at              timestamptz NOT NULL,
    requester_address    text NOT NULL DEFAULT '',
    requester_name       text NOT NULL DEFAULT '',
    origin               text NOT NULL CHECK (origin IN ('command', 'handler', 'transition', 'api')),
    subject              text NOT NULL,
    body                 text NOT NULL DEFAULT '',
    -- [[label, value], …]
    fields               jsonb NOT NULL DEFAULT '[]',
    -- As of `OutgoingAttachment`.
    attachments          jsonb NOT NULL DEFAULT '[]',
    -- [{"name": …, "label": …, "meaning": …}, …]
    choices              jsonb NOT NULL,
    rule                 text NOT NULL CHECK (rule IN ('any', 'all', 'count', 'order')),
    needed               integer NOT NULL CHECK (needed > 0),
    comment_required     boolean NOT NULL DEFAULT false,
    deadline             timestamptz,
    at_deadline          text NOT NULL DEFAULT 'expire'
        CHECK (at_deadline IN ('expire', 'reject', 'escalate')),
    escalate_to          text[] NOT NULL DEFAULT '{}',
    remind_after_seconds integer NOT NULL DEFAULT 0 CHECK (remind_after_seconds >= 0),
    -- Sealed: its address may be its password.
    callback_url         text NOT NULL DEFAULT '',
    issue_id             bigint REFERENCES issue_index ON DELETE SET NULL,
    approved_status      text NOT NULL DEFAULT '',
    rejected_status      text NOT NULL DEFAULT '',
    -- SHA-256 of what approvers are asked.
    digest               text NOT NULL,
    state                text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'decided', 'expired', 'withdrawn')),
    choice               text NOT NULL DEFAULT '',
    closed_at            timestamptz
);
CREATE INDEX approval_request_open ON approval_request (made_at) WHERE state = 'open';
CREATE INDEX approval_request_issue ON approval_request (issue_id) WHERE issue_id IS NOT NULL;

CREATE TABLE approval_delegation (
    delegation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Addresses of persons, in lower case.
    delegator     text NOT NULL,
    delegate      text NOT NULL CHECK (delegate <> delegator),
    begins_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > begins_at),
    made_by       text NOT NULL DEFAULT '',
    made_at       timestamptz NOT NULL,
    -- Somebody has ended it before its time.
    ended_at      timestamptz
);
CREATE INDEX approval_delegation_of ON approval_delegation (delegator, ends_at);

CREATE TABLE approval_assignment (
    assignment_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id     uuid NOT NULL REFERENCES approval_request,
    place          integer NOT NULL,
    -- In lower case.
    address        text NOT NULL,
    name           text NOT NULL DEFAULT '',
    state          text NOT NULL CHECK (state IN ('planned', 'asked', 'answered', 'closed')),
    closed_because text NOT NULL DEFAULT '',
    answers_for    text NOT NULL DEFAULT '',
    delegation_id  bigint REFERENCES approval_delegation,
    asked_at       timestamptz,
    reminders      integer NOT NULL DEFAULT 0,
    message_id     text NOT NULL DEFAULT '',
    choice         text NOT NULL DEFAULT '',
    comment        text NOT NULL DEFAULT '',
    answered_at    timestamptz,
    mail_id        text NOT NULL DEFAULT ''
);
CREATE INDEX approval_assignment_request ON approval_assignment (request_id);
CREATE INDEX approval_assignment_of ON approval_assignment (address)
    WHERE state IN ('planned', 'asked');
-- Nobody is asked twice at the same place.
CREATE UNIQUE INDEX approval_assignment_open ON approval_assignment (request_id, place, address)
    WHERE state IN ('planned', 'asked');
CREATE INDEX approval_assignment_delegation ON approval_assignment (delegation_id)
    WHERE delegation_id IS NOT NULL;
-- A place of a request has one answer, whichever of its assignments gives it.
CREATE UNIQUE INDEX approval_assignment_answer ON approval_assignment (request_id, place)
    WHERE state = 'answered';

-- The ledger: events in their order, without gaps; each holds the hash of the one before.
CREATE TABLE approval_event (
    event_id      bigint PRIMARY KEY,
    request_id    uuid NOT NULL REFERENCES approval_request,
    assignment_id bigint REFERENCES approval_assignment,
    happened_at   timestamptz NOT NULL,
    kind          text NOT NULL,
    -- The address of the person; "" for the product and its operator, whom `channel` tells apart.
    actor         text NOT NULL DEFAULT '',
    -- mail, command, page, timer or handler.
    channel       text NOT NULL,
    mail_id       text NOT NULL DEFAULT '',
    -- SHA-256 of the content of that message.
    mail_hash     text NOT NULL DEFAULT '',
    -- What is known about its sender, and why.
    verdict       text NOT NULL DEFAULT '',
    choice        text NOT NULL DEFAULT '',
    comment       text NOT NULL DEFAULT '',
    reason        text NOT NULL DEFAULT '',
    -- Its author was answered.
    answered      boolean NOT NULL DEFAULT false,
    -- JSON, as it was hashed.
    details       text NOT NULL DEFAULT '{}',
    previous_hash text NOT NULL,
    hash          text NOT NULL
);
CREATE INDEX approval_event_request ON approval_event (request_id, event_id);
CREATE INDEX approval_event_mail ON approval_event (mail_id) WHERE mail_id <> '';
CREATE INDEX approval_event_refused ON approval_event (assignment_id) WHERE kind = 'refused';

-- The end of the ledger; each transaction that adds an event locks this row.
CREATE TABLE approval_chain (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    event_id bigint NOT NULL DEFAULT 0,
    hash     text NOT NULL DEFAULT ''
);
INSERT INTO approval_chain DEFAULT VALUES;

CREATE FUNCTION refuse_change_of_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger of approvals only grows: % of % is refused', TG_OP, TG_TABLE_NAME;
END
$$;
CREATE TRIGGER approval_event_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON approval_event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_ledger();
