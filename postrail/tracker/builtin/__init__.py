"""The built-in tracker: issues, comments, attachments and links as rows in PostgreSQL.

Owns the tables: issue, comment, attachment, issue_link, issue_numbering.
"""
