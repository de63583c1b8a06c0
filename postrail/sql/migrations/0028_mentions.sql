-- The names by which comments mention people: the local part of an address, and first.last.

SET LOCAL lock_timeout = '10s';

CREATE INDEX person_address_local ON person_address (split_part(address, '@', 1));
-- Only the beginning: a name from a message may be longer than an index entry.
ALTER TABLE person ADD COLUMN called text GENERATED ALWAYS AS (
    regexp_replace(lower(btrim(left(name, 200))), '^(\S+)\s(.*\s)?(\S+)$', '\1.\3')
) STORED;
CREATE INDEX person_called ON person (called);
