"""Classifies a message: written by a person, automatic, a bounce, a receipt."""
