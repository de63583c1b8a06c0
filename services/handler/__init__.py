"""The handler: parsed mail in, issues and comments out, and what follows from them in the outbox.

It takes records from mail.parsed into its table, and works from the table (asyncio; PostgreSQL by
psycopg's async face).
"""
