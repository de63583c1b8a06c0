"""Starts the monitor."""

from services import hold_stop_signals

if __name__ == "__main__":
    # Before the imports below, which take a second.
    hold_stop_signals()

from postrail.process import run_process
from services.monitor.app import main

if __name__ == "__main__":
    run_process("monitor", main)
