"""The `postrail` command: sets up, runs, inspects and operates an installation.

Commands act on tables and topics through the core. The module of a command is imported when that
command runs, so that `postrail --help` answers at once.
"""
