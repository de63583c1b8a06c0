"""The built-in tracker: issues, comments, attachments and links as rows in PostgreSQL.

Owns the tables: issue, comment, comment_edit, attachment, issue_link, issue_numbering,
custom_value, issue_change, issue_text.
"""
