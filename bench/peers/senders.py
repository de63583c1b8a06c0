"""Sends finished messages without a queue: Postfix's smtp-source, and aiosmtplib alone.

`python -m bench.peers.senders PORT CHANNELS` sends the messages of its input by aiosmtplib, and
prints its figures as JSON: a process of its own, so that its memory is its own, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib

from bench.usage import usage_of
from postrail.embedded.ports import LOOPBACK
from tests.servers.dovecot import program

REPOSITORY = Path(__file__).resolve().parents[2]
SENDER, RECIPIENT = "help@example.com", "bob@example.org"
LONGEST_SECONDS = 300.0
BARE = "aiosmtplib alone"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A sender's time for all messages, its CPU time and its servers', and its peak of memory."""

    name: str
    channels: int
    mails: int
    seconds: float
    cpu_seconds: float
    server_cpu_seconds: float
    # 0: not known.
    peak_bytes: int = 0

    @property
    def per_second(self) -> float:
        """Returns the messages a second."""
        return self.mails / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Returns the CPU ms a message."""
        return self.cpu_seconds * 1000 / self.mails

    @property
    def server_cpu_ms(self) -> float:
        """Returns the CPU ms a message of all servers that it needs."""
        return self.server_cpu_seconds * 1000 / self.mails


def aiosmtplib_alone(
    port: int, messages: Sequence[bytes], channels: int, sink_seconds: Callable[[], float]
) -> Sent:
    """Sends the messages over as many connections, which stay open, by aiosmtplib."""
    before = sink_seconds()
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(port), str(channels)],
        check=True,
        input=pickle.dumps(list(messages)),
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        timeout=LONGEST_SECONDS,
    )
    return Sent(
        name=BARE,
        channels=channels,
        mails=len(messages),
        server_cpu_seconds=sink_seconds() - before,
        **json.loads(done.stdout),
    )


def smtp_source(
    port: int, messages: Sequence[bytes], channels: int, sink_seconds: Callable[[], float]
) -> Sent:
    """Lets Postfix's load generator send as many messages of their mean size."""
    size = sum(map(len, messages)) // len(messages)
    command = [program("smtp-source"), "-4", "-d", "-s", str(channels), "-m", str(len(messages))]
    command += ["-l", str(size), "-f", SENDER, "-t", RECIPIENT, f"inet:{LOOPBACK}:{port}"]
    before, begun = sink_seconds(), time.monotonic()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    seconds = time.monotonic() - begun
    if status:
        raise RuntimeError(f"smtp-source ended with {os.waitstatus_to_exitcode(status)}")
    return Sent(
        name="smtp-source",
        channels=channels,
        mails=len(messages),
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        server_cpu_seconds=sink_seconds() - before,
    )


async def _send_all(port: int, channels: int, messages: Sequence[bytes]) -> None:
    clients = [
        aiosmtplib.SMTP(hostname=LOOPBACK, port=port, start_tls=False) for _ in range(channels)
    ]
    waiting = iter(messages)

    async def send(client: aiosmtplib.SMTP) -> None:
        await client.connect()
        for message in waiting:
            await client.sendmail(SENDER, [RECIPIENT], message)
        await client.quit()

    await asyncio.gather(*map(send, clients))


def main() -> None:
    """Sends by aiosmtplib, and prints the figures without the start of Python."""
    port, channels = map(int, sys.argv[1:])
    messages = pickle.load(sys.stdin.buffer)
    cpu, begun = time.process_time(), time.monotonic()
    asyncio.run(_send_all(port, channels, messages))
    figures = {
        "seconds": time.monotonic() - begun,
        "cpu_seconds": time.process_time() - cpu,
        "peak_bytes": usage_of({"this": [os.getpid()]})["this"].peak_bytes,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
