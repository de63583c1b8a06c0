"""The built-in tracker: issues, comments, attachments and watchers as rows in PostgreSQL."""
