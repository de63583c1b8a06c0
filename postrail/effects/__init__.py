"""Gathers the facts that decisions need, and applies decisions in one transaction.

Asyncio, on the caller's connection. Each kind of effect has one module with one function that
applies all effects of its kind in a batch.
"""
