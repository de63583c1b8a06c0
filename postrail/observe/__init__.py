"""What a process shows of itself: logs, metrics, health, and a progress report each second.

Nothing here is part of a promise: a figure that is lost never delays or drops mail. The HTTP
server answers from threads of its own, so that it tells the truth when the event loop is stuck.
"""
