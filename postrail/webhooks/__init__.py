"""Keeps what is to be posted to other systems, and posts it with a signature.

Owns the tables: webhook_post.

A post is stored in the transaction of its cause; the sender posts it until its receiver has taken
it. So a receiver may get one twice, with the same id.
"""
