-- What waits to be posted to other systems, and what has been.
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
    -- The last answer: its status, and why it did not end the post.
    last_status      integer,
    last_error       text NOT NULL DEFAULT '',
    ended_at         timestamptz,
    CHECK ((state = 'posting') = (claim IS NOT NULL AND claim_expires_at IS NOT NULL))
);
CREATE INDEX webhook_post_due ON webhook_post (next_at) WHERE state IN ('waiting', 'posting');
CREATE INDEX webhook_post_about ON webhook_post (about) WHERE about <> '';
CREATE INDEX webhook_post_made ON webhook_post (made_at);
