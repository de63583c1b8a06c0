"""The monitor: merges the progress reports of all processes and serves figures per mailbox.

Faust reads `pipeline.progress` (asyncio, through aiokafka) into windowed tables, whose changelogs
restore them after a kill. No promise depends on it: a report that is missed or counted twice
spoils a figure and never a message. Only `app.py` imports Faust.
"""
