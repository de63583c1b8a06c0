"""Writes the messages about approval requests: to those who are asked, and to those who ask. Pure.

No line of ours begins with a word or a number that is an answer: programs quote without marks.
"""
