-- Alerts that wait to be posted to the webhook (POSTRAIL_SENDER__ALERT_WEBHOOK).

-- Waiting for a lock longer than this would hold up all that come after; run the migration again.
SET LOCAL lock_timeout = '10s';

CREATE TABLE alert (
    -- The key of its timer, and in its JSON.
    alert_id uuid PRIMARY KEY,
    made_at  timestamptz NOT NULL,
    -- The JSON.
    body     text NOT NULL
);
