"""Notifications about issues: who receives them, their texts, their bytes. Pure but for blobs."""
