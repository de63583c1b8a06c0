"""The messages that each process works on, and the deaths of processes that they may have caused.

Owns the tables: in_flight, death.

A message can end a process in ways that no `except` catches. Its successor then takes the same
messages and dies as well. So a process writes down what it takes before the work, and a successor
counts a death for it. The parser, which has no tables, uses `postrail.stream.deaths`.
"""
