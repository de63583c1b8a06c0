-- The OAuth2 tokens of outgoing connections, kept as those of mail accounts are in oauth_token.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

-- The row is locked while its refresh token is used: a provider may take each one once only.
CREATE TABLE connection_token (
    connection     text PRIMARY KEY REFERENCES outgoing_connection (name) ON DELETE CASCADE,
    state          text NOT NULL CHECK (state IN ('authorized', 'needs_authorization')),
    reason         text NOT NULL DEFAULT '',
    -- Sealed, as passwords are.
    refresh_token  text NOT NULL DEFAULT '',
    access_token   text NOT NULL DEFAULT '',
    expires_at     timestamptz,
    obtained_at    timestamptz,
    -- A hash of where the tokens come from and go to; with another one they are not used.
    bound_to       text NOT NULL DEFAULT '',
    changed_at     timestamptz NOT NULL
);

-- Authorizations that were begun; each state takes one answer.
CREATE TABLE connection_authorization (
    state       text PRIMARY KEY,
    connection  text NOT NULL REFERENCES outgoing_connection (name) ON DELETE CASCADE,
    -- Sealed: with it a stolen answer could be redeemed.
    kept        text NOT NULL,
    begun_at    timestamptz NOT NULL
);
