"""The sender: takes queued messages into its tables, and sends them from there over SMTP.

asyncio throughout.
"""
