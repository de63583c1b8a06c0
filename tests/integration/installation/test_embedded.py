"""An installation in a folder: data survive, servers end with it, and one process locks it."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from imapclient import IMAPClient
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from postrail.embedded.endpoints import ENDPOINTS_FILE, read_endpoints
from postrail.embedded.instance import Instance
from postrail.embedded.ports import LOOPBACK
from postrail.embedded.process_ids import ProcessId, until
from postrail.errors import ConfigurationError

HOLDER = """
import sys, time
from pathlib import Path
from postrail.embedded.instance import Instance
with Instance(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""
USER, PASSWORD = "support@demo.test", "secret"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Returns a data folder with special characters, below one that only its owner may enter."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    return closed / "Größe, data=1 \\ 2"


def leave_data(instance: Instance) -> None:
    with psycopg.connect(instance.endpoints.database_url) as connection:
        connection.execute("create table kept as select 1 as one")
    admin = KafkaAdminClient(bootstrap_servers=instance.endpoints.kafka)
    admin.create_topics([NewTopic("kept", 2, 1)])
    admin.close()


def assert_data_are_there(instance: Instance) -> None:
    with psycopg.connect(instance.endpoints.database_url) as connection:
        assert connection.execute("select one from kept").fetchone() == (1,)
    admin = KafkaAdminClient(bootstrap_servers=instance.endpoints.kafka)
    assert "kept" in admin.list_topics()
    admin.close()


def test_data_survive_and_a_busy_port_is_replaced(data: Path) -> None:
    lines: list[str] = []
    with Instance(data, announce=lines.append) as instance:
        first = instance.endpoints
        leave_data(instance)
        with pytest.raises(ConfigurationError, match=f"process {os.getpid()} since"):
            Instance(data).start()
    assert "Kafka: preparing its data folder" in lines
    assert stat.S_IMODE((data / ENDPOINTS_FILE).stat().st_mode) == 0o600

    with socket.create_server((LOOPBACK, first.ports["kafka"])), Instance(data) as instance:
        second = instance.publish_services({"fetcher": "http://127.0.0.1:1/metrics"})
        assert_data_are_there(instance)
    assert read_endpoints(data) == second
    assert second.ports["kafka"] != first.ports["kafka"]
    assert second.database_url == first.database_url
    # The mode of the folder above is unchanged.
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700


def test_servers_end_with_a_killed_parent_and_start_again(data: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "up\n"
        servers = [
            ProcessId(**json.loads((data / name / f"{name}.pid").read_text()))
            for name in ("kafka", "postgres")
        ]
        assert all(server.alive for server in servers)
        with pytest.raises(ConfigurationError, match=f"process {holder.pid} since"):
            Instance(data).start()
        holder.send_signal(signal.SIGKILL)
    assert until(lambda: not any(server.alive for server in servers), 20)
    with Instance(data) as instance:
        leave_data(instance)
        assert_data_are_there(instance)


def test_single_servers_can_be_killed_and_started_again(data: Path) -> None:
    with Instance(data) as instance:
        leave_data(instance)
        instance.postgres.kill()
        instance.kafka.kill()
        assert instance.ended_parts() == [instance.postgres, instance.kafka]
        instance.postgres.start()
        instance.kafka.start()
        assert_data_are_there(instance)
        assert instance.ended_parts() == []


def test_the_demo_mail_server_pushes_new_mail(data: Path) -> None:
    with Instance(data, mail_server=True, mail_users={USER: PASSWORD}) as instance:
        endpoints = instance.endpoints
        with IMAPClient(endpoints.imap_host, endpoints.imap_port, ssl=False) as client:
            client.login(USER, PASSWORD)
            client.select_folder("INBOX")
            client.idle()
            with smtplib.SMTP(endpoints.smtp_host, endpoints.smtp_port) as smtp:
                smtp.sendmail("anna@customer.test", [USER], b"Subject: hello\r\n\r\nhello\r\n")
            assert (1, b"EXISTS") in client.idle_check(timeout=10)
            client.idle_done()
            assert b"Subject: hello" in client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"]
