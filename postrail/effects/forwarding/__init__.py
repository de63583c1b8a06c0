"""Applies the effects that send messages about no issue: forwards, answers to authors, notices."""
