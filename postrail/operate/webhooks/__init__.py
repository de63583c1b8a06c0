"""Retries and cancels posts to other systems."""
