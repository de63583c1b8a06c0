-- What waits to be posted to other systems, and what has been; alerts move there.
SET LOCAL lock_timeout = '10s';

CREATE TABLE webhook_post (
    -- The receiver knows a repeated post by it.
    post_id          uuid PRIMARY KEY,
    purpose          text NOT NULL CHECK (purpose IN ('approval', 'alert')),
    -- Of an approval: its setup, which has the secret and the hosts that may be private.
    setup            text NOT NULL DEFAULT '',
    -- What it is about: A-12.
    about            text NOT NULL DEFAULT '',
    -- Sealed, as it may be a password; '': the sender's settings have it.
    url              text NOT NULL DEFAULT '',
    -- The part of it that is no secret, with the port; '' until a sender has read it.
    host             text NOT NULL DEFAULT '',
    -- The JSON.
    body             text NOT NULL,
    made_at          timestamptz NOT NULL,
    give_up_at       timestamptz NOT NULL,
    state            text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'posting', 'posted', 'failed', 'cancelled')),
    attempts         integer NOT NULL DEFAULT 0,
    next_at          timestamptz NOT NULL,
    -- The sender that posts it now, and until when.
    claim            uuid,
    claim_expires_at timestamptz,
    -- The status of the last answer, and why the post has not succeeded.
    last_status      integer,
    last_error       text NOT NULL DEFAULT '',
    -- Since when it is posted, failed or cancelled.
    ended_at         timestamptz,
    -- Who retried or cancelled it last.
    changed_by       text NOT NULL DEFAULT '',
    CHECK ((state = 'posting') = (claim IS NOT NULL AND claim_expires_at IS NOT NULL)),
    CHECK ((state IN ('posted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX webhook_post_due ON webhook_post (next_at) WHERE state IN ('waiting', 'posting');
CREATE INDEX webhook_post_about ON webhook_post (about) WHERE about <> '';
CREATE INDEX webhook_post_made ON webhook_post (made_at);
CREATE INDEX webhook_post_ended ON webhook_post (ended_at) WHERE state IN ('posted', 'cancelled');
CREATE INDEX webhook_post_failed ON webhook_post (made_at) WHERE state = 'failed';

INSERT INTO webhook_post (post_id, purpose, body, made_at, give_up_at, next_at)
    SELECT alert_id, 'alert', body, made_at, made_at + interval '5 days', made_at FROM alert;
DELETE FROM timer WHERE kind = 'webhook';
DROP TABLE alert;
