"""Decides what a message means.

Pure: the message, the configuration snapshot and the facts go in, a decision comes out.
"""
