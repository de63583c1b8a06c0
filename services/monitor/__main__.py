"""Starts the monitor."""

from postrail.held_signals import hold

if __name__ == "__main__":
    # Before the imports below, which take a second.
    hold()

from postrail.process import run_process
from services.monitor.app import main

if __name__ == "__main__":
    run_process("monitor", main)
