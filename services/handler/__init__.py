"""The handler: parsed messages in, issues and comments out, and the notifications that follow.

Takes records from mail.parsed into its table, and works from the table. Asyncio; PostgreSQL by
psycopg's asynchronous interface.
"""
