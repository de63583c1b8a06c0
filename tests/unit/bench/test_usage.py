"""CPU time and memory of processes, with the children that have ended."""

from __future__ import annotations

import subprocess
import sys

from bench.usage import usage_of

# A child that burns a third of a second and ends; then the parent waits.
PARENT = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < 0.3: pass"
subprocess.run([sys.executable, "-c", burn])
print("ready", flush=True)
sys.stdin.read()
"""


def test_children_that_have_ended_count() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        found = usage_of({"it": [parent.pid], "nobody": []})
        parent.communicate()
    assert found["it"].cpu_seconds >= 0.3
    assert found["it"].peak_bytes > 1_000_000
    assert found["nobody"].cpu_seconds == 0


def test_a_process_that_is_gone_used_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert usage_of({"gone": [gone.pid]})["gone"].cpu_seconds == 0
