-- The attributes of outgoing connections: modes, limits, DKIM.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE outgoing_connection
    -- smtp, oauth2 or graph.
    ADD COLUMN mode              text NOT NULL DEFAULT 'smtp',
    -- Blank: no tokens.
    ADD COLUMN credential        text NOT NULL DEFAULT '',
    ADD COLUMN microsoft_host    text NOT NULL DEFAULT '',
    ADD COLUMN shared_mailbox    text NOT NULL DEFAULT '',
    ADD COLUMN reply_to          text NOT NULL DEFAULT '',
    ADD COLUMN subject_prefix    text NOT NULL DEFAULT '',
    ADD COLUMN precedence_bulk   boolean NOT NULL DEFAULT true,
    -- 0: no limit.
    ADD COLUMN max_bytes         bigint NOT NULL DEFAULT 0,
    -- NULL: what the server is known to allow; 0: no limit.
    ADD COLUMN mails_per_minute  integer,
    -- NULL: as many as the sender's settings say.
    ADD COLUMN channels          integer,
    -- The name of another connection, or "".
    ADD COLUMN fallback          text NOT NULL DEFAULT '',
    ADD COLUMN dkim_domain       text NOT NULL DEFAULT '',
    ADD COLUMN dkim_selector     text NOT NULL DEFAULT '',
    ADD COLUMN dkim_key          text NOT NULL DEFAULT '',
    ADD COLUMN timeout_ms        integer,
    ADD COLUMN ehlo_name         text NOT NULL DEFAULT '',
    ADD COLUMN min_tls_version   text NOT NULL DEFAULT '1.2',
    ADD COLUMN allow_plain_login boolean NOT NULL DEFAULT false,
    ADD COLUMN debug             boolean NOT NULL DEFAULT false,
    ADD COLUMN properties        text NOT NULL DEFAULT '';

-- The release before knows timeout_seconds, and sends passwords without encryption as it is told:
-- what it writes is completed for this one, and the other way round. To be removed, with the column
-- timeout_seconds, once that release is not in use any more.
CREATE FUNCTION outgoing_connection_of_both_releases() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    seconds_changed boolean := false;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        seconds_changed := NEW.timeout_seconds IS DISTINCT FROM OLD.timeout_seconds
            AND NEW.timeout_ms IS NOT DISTINCT FROM OLD.timeout_ms;
    END IF;
    IF seconds_changed OR NEW.timeout_ms IS NULL THEN
        NEW.timeout_ms := greatest(1, least(30000, round(NEW.timeout_seconds * 1000)));
    ELSIF TG_OP = 'INSERT' OR NEW.timeout_ms <> OLD.timeout_ms THEN
        NEW.timeout_seconds := NEW.timeout_ms / 1000.0;
    END IF;
    -- At most what this release takes for the machine itself: else it could not read the row.
    IF NEW.mode = 'smtp' AND NEW.encryption = 'none' AND NEW.username <> ''
        AND lower(NEW.host) <> 'localhost' AND NEW.host <> '::1'
        AND NEW.host !~ '^127(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$'
    THEN
        NEW.allow_plain_login := true;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER outgoing_connection_of_both_releases BEFORE INSERT OR UPDATE ON outgoing_connection
    FOR EACH ROW EXECUTE FUNCTION outgoing_connection_of_both_releases();

-- Fills in timeout_ms and allow_plain_login.
UPDATE outgoing_connection SET timeout_ms = NULL;
ALTER TABLE outgoing_connection ALTER COLUMN timeout_ms SET NOT NULL;
