"""Relates reports to the deliveries that they are about: gathers the facts, applies the effects."""
