-- How a project tells its people of events, where these do not say so themselves.

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

ALTER TABLE project
    ADD COLUMN messages text NOT NULL DEFAULT 'at_once' CHECK (messages IN ('at_once', 'digest')),
    -- NULL: POSTRAIL_NOTIFICATIONS__BUNDLE_SECONDS.
    ADD COLUMN bundle_seconds integer CHECK (bundle_seconds BETWEEN 0 AND 3600);
