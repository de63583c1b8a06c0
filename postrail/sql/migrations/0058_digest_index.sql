-- outside of a transaction
-- Finds what waits for the digest of a person.

DROP INDEX CONCURRENTLY IF EXISTS pending_delivery_digest;
CREATE INDEX CONCURRENTLY pending_delivery_digest ON pending_delivery (recipient, due_at)
    WHERE digest;
