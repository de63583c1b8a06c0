"""Remembers what is to be done at a time; each kind of timer is worked by one named service.

Owns the tables: timer.

A timer is set in the transaction of its cause, and removed in the one that does the work, which
holds its row: a process that is killed leaves it to the next one. The kinds: `bundle`, `digest`
and those of approvals, by the handler; `unreached` and `held`, by the sender.
"""
