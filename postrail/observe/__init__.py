"""Shows the state of a process: its log, metrics and health.

No promise depends on it: a lost figure never delays or drops a message. The HTTP server answers
from a thread of its own, so that it reports the truth while the event loop is stuck.
"""
