"""Applies what reports say about deliveries, and holds notifications above their limit."""
