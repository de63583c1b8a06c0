"""Tests that a log that cannot be written costs lines, and is complete again afterwards."""

import errno
import io
from typing import cast

import pytest

from postrail.observe.log_stream import LogStream


class Disk(io.RawIOBase):
    """Takes bytes until it is full."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        if not self.free:
            raise OSError(errno.ENOSPC, "No space left on device")
        piece = bytes(cast(bytes, data))[: self.free]
        self.free -= len(piece)
        self.written += piece
        return len(piece)

    def lines(self) -> list[str]:
        return self.written.decode().splitlines()


def stream_on(disk: Disk) -> LogStream:
    text = io.TextIOWrapper(io.BufferedWriter(disk), line_buffering=True)
    return LogStream(text, lambda lost: f"{lost} lines lost")


def test_lines_are_written_at_once() -> None:
    disk = Disk(100)
    assert stream_on(disk).write("grüße \ud800\n") == 8
    assert disk.lines() == ["grüße \\ud800"]


def test_lost_lines_are_counted_and_reported_once_there_is_space() -> None:
    disk = Disk(9)
    stream = stream_on(disk)
    for text in ("one\n", "cut in two\n", "lost\n"):
        stream.write(text)
    disk.free = 1000
    stream.write("four\n")
    stream.write("five\n")
    assert disk.lines() == ["one", "cut i", "2 lines lost", "four", "five"]


def test_a_report_that_cannot_be_written_is_repeated() -> None:
    disk = Disk(0)
    stream = stream_on(disk)
    stream.write("lost\n")
    disk.free = 3
    stream.write("lost, too\n")
    disk.free = 1000
    stream.write("three\n")
    assert disk.lines()[-2:] == ["2 lines lost", "three"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), BrokenPipeError(), BlockingIOError()]
)
def test_no_error_of_the_stream_reaches_the_caller(error: OSError) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise error

    assert LogStream(Broken(), str).write("a line\n") == 7
