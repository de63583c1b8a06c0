"""How far each mailbox was read: rows in PostgreSQL that survive the process that reads it."""
