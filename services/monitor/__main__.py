"""Starts the monitor."""

from postrail.process import run_process
from services.monitor.app import main

if __name__ == "__main__":
    run_process("monitor", main)
