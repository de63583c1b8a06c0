"""Notifications about issues: who receives them, their texts, their bytes. Pure."""
