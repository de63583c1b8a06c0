"""Works the timers of approval requests: reminders, deadlines, and what issues do afterwards.

The handler calls these functions, each in the transaction that holds the row of its timer.
"""
