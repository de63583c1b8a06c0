-- OAuth2: what Postrail is to each provider, and the tokens of each mail account.

CREATE TABLE oauth_credential (
    name                 text PRIMARY KEY,
    description          text NOT NULL DEFAULT '',
    provider             text NOT NULL,
    flow                 text NOT NULL,
    client_id            text NOT NULL DEFAULT '',
    client_secret        text NOT NULL DEFAULT '',
    certificate          text NOT NULL DEFAULT '',
    thumbprint           text NOT NULL DEFAULT '',
    private_key          text NOT NULL DEFAULT '',
    service_account_key  text NOT NULL DEFAULT '',
    tenant               text NOT NULL DEFAULT '',
    authority            text NOT NULL DEFAULT '',
    authorization_url    text NOT NULL DEFAULT '',
    token_url            text NOT NULL DEFAULT '',
    device_url           text NOT NULL DEFAULT '',
    scopes               text[] NOT NULL DEFAULT '{}',
    hosts                text[] NOT NULL DEFAULT '{}',
    redirect_address     text NOT NULL DEFAULT '',
    ca_file              text NOT NULL DEFAULT ''
);

-- Blank: the account logs in with its password.
ALTER TABLE mail_account ADD COLUMN credential text NOT NULL DEFAULT '';

-- The row is locked while its refresh token is used: a provider may take each one once only.
CREATE TABLE oauth_token (
    mail_account   text PRIMARY KEY REFERENCES mail_account (name) ON DELETE CASCADE,
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
CREATE TABLE oauth_authorization (
    state         text PRIMARY KEY,
    mail_account  text NOT NULL REFERENCES mail_account (name) ON DELETE CASCADE,
    -- Sealed: with it a stolen answer could be redeemed.
    kept          text NOT NULL,
    begun_at      timestamptz NOT NULL
);
