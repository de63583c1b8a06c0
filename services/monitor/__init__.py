"""The monitor: merges the progress reports of all processes and serves figures per mailbox.

Faust reads `pipeline.progress` (asyncio, through aiokafka) into windowed tables, whose changelogs
bring them back after a kill. It stays outside of the promises: a report that is missed or counted
twice spoils a figure and not a customer's mail. `app.py` is the only module that knows Faust.
"""
