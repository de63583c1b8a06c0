-- outside of a transaction
-- Finds the message that an answer or a bounce names by the id that it was given.

DROP INDEX CONCURRENTLY IF EXISTS delivery_given_id;
CREATE INDEX CONCURRENTLY delivery_given_id ON delivery (given_id) WHERE given_id IS NOT NULL;
