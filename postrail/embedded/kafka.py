"""Runs one Kafka broker (KRaft, with the controller in the same process), on loopback."""

from __future__ import annotations

import base64
import signal
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from postrail.embedded.java import JavaProgram, java_command
from postrail.embedded.partition_folders import prepare_partitions, require_no_strays
from postrail.embedded.ports import LOOPBACK, answers
from postrail.embedded.processes import Child, log_tail, open_log, write_atomically
from postrail.errors import ConfigurationError, TransientError

KAFKA = JavaProgram(
    "Kafka 4.3.1",
    "org.apache.kafka:kafka_2.13:4.3.1+org.slf4j:slf4j-simple:2.0.17",
    "kafka.Kafka",
)
STORAGE_TOOL = JavaProgram(KAFKA.name, KAFKA.endpoint, "kafka.tools.StorageTool")

READY_SECONDS = 60.0
FORMAT_SECONDS = 60.0

# A single broker: one replica of everything, and small internal topics.
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A killed broker can register again only when its previous session has expired.
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    # Do not wait for further members before the first assignment of a group.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    # The default of 128 MiB is half of the heap.
    "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
    "log.cleaner.threads": "1",
    # Keep committed offsets as long as records: an installation may be stopped for a month.
    "offsets.retention.minutes": str(31 * 24 * 60),
}


class Kafka:
    """A broker with its data in `folder`; the ports may differ from start to start."""

    name = "kafka"

    def __init__(
        self,
        folder: Path,
        jars: Sequence[Path],
        *,
        port: int,
        controller_port: int,
        heap_mib: int = 256,
    ) -> None:
        self.folder = folder
        self.port = port
        self.controller_port = controller_port
        self._jars = tuple(jars)
        self._heap_mib = heap_mib
        self._properties_file = folder / "server.properties"
        self._log_folder = folder / "log"
        self._child = self._make_child()

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on."""
        return (self.port, self.controller_port)

    @property
    def child(self) -> Child:
        """The broker's process."""
        return self._child

    def launch(self, announce: Callable[[str], None] = lambda line: None) -> None:
        """Formats a new folder and starts the process, without waiting until it answers.

        Raises ConfigurationError for records that the broker would set aside or forget.
        """
        if self._child.running:
            return
        self._log_folder.mkdir(parents=True, exist_ok=True)
        for line in prepare_partitions(self._log_folder):
            announce(line)
        self._write_properties()
        if not (self._log_folder / "meta.properties").exists():
            announce("Kafka: preparing its data folder")
            self._format()
        self._child.start()

    def wait_ready(self) -> None:
        """Waits until clients can connect.

        Raises ChildEndedError when the broker ends before, and ConfigurationError when it has set
        records aside; then it is stopped, so that nothing starts anew without them.
        """
        self._child.wait_until(lambda: answers(self.port), READY_SECONDS)
        try:
            require_no_strays(self._log_folder)
        except ConfigurationError:
            self.stop()
            raise

    def start(self) -> None:
        """Starts the broker and waits until clients can connect."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """Stops the broker cleanly."""
        self._child.stop()

    def kill(self) -> None:
        """Ends the broker by SIGKILL, as a crash would."""
        self._child.kill()

    def _make_child(self) -> Child:
        options = (
            # Java 24 and later log a warning for libraries that use it, as Kafka's do.
            "--sun-misc-unsafe-memory-access=allow",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        )
        command = java_command(KAFKA, self._jars, heap_mib=self._heap_mib, options=options)
        return Child(
            "Kafka",
            [*command, str(self._properties_file)],
            log_file=self.folder / "kafka.log",
            pid_file=self.folder / "kafka.pid",
            working_folder=self.folder,
            stop_signal=signal.SIGTERM,
        )

    def _write_properties(self) -> None:
        properties = PROPERTIES | {
            # Relative to the working folder, as an absolute path could have commas or non-Latin-1.
            "log.dirs": self._log_folder.name,
            "listeners": f"PLAINTEXT://{self.bootstrap_servers},"
            f"CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap_servers}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{self.controller_port}",
        }
        lines = [f"{name}={value}" for name, value in properties.items()]
        write_atomically(self._properties_file, "\n".join(lines) + "\n")

    def _format(self) -> None:
        log_file = self.folder / "format.log"
        command = java_command(STORAGE_TOOL, self._jars, heap_mib=self._heap_mib)
        # The equals sign is needed, as an id may begin with a dash.
        arguments = ["format", f"--cluster-id={_cluster_id()}", "--config"]
        with open_log(log_file, append=False) as log:
            done = subprocess.run(
                [*command, *arguments, str(self._properties_file)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=FORMAT_SECONDS,
                check=False,
            )
        if done.returncode != 0:
            raise TransientError(
                f"Kafka's data folder {self._log_folder} cannot be prepared: {log_tail(log_file)}",
                remedy="Remove the folder, or choose another one with --data",
            )


def _cluster_id() -> str:
    """Returns a random id in Kafka's notation: 16 bytes in URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
