"""Measures the minimum cost of each step: a single library call without code of ours."""

from __future__ import annotations

import asyncio
import email
import email.header
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import aiosmtplib
import psycopg
from imapclient import IMAPClient
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from bench.installation import Installation
from postrail.embedded.ports import LOOPBACK
from tests.servers.dovecot import PASSWORD

USER = "floor"
TOPIC = "bench.floor"
AT_ONCE = 50
SMTP_CONNECTIONS = 4
HEADERS = ("subject", "from", "to", "message-id", "in-reply-to", "references", "date")


@dataclass(frozen=True)
class Floor:
    """The cost of a step per message: wall time, CPU of the client, CPU of all servers."""

    wall_ms: float
    client_ms: float
    server_ms: float


class Floors:
    """Measures on the servers of an installation whose services do not run yet."""

    def __init__(self, installation: Installation, mails: Sequence[bytes]) -> None:
        self._installation = installation
        self._mails = mails
        self._found: dict[str, Floor] = {}

    def measure(self) -> dict[str, Floor]:
        """Measures all steps, in the order of the pipeline."""
        self._installation.dovecot.fill(USER, self._mails)
        self._fetch()
        self._parse()
        self._hop()
        self._store()
        self._send(self._build())
        return self._found

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        server, wall, client = self._server_seconds(), time.perf_counter(), time.process_time()
        yield
        wall, client = time.perf_counter() - wall, time.process_time() - client
        server = self._server_seconds() - server
        each = 1000 / len(self._mails)
        self._found[step] = Floor(wall * each, client * each, server * each)

    def _server_seconds(self) -> float:
        return sum(usage.cpu_seconds for usage in self._installation.usage().values())

    def _fetch(self) -> None:
        with IMAPClient(LOOPBACK, self._installation.dovecot.imap_port, ssl=False) as client:
            # imapclient sets 5, which formats every literal for a log that is discarded.
            client._imap.debug = 0
            client.login(USER, PASSWORD)
            client.select_folder("INBOX", readonly=True)
            uids = client.search()
            with self._timed("IMAP fetch, 50 at a time"):
                for first in range(0, len(uids), AT_ONCE):
                    client.fetch(uids[first : first + AT_ONCE], ["BODY.PEEK[]", "INTERNALDATE"])

    def _parse(self) -> None:
        with self._timed("MIME parsing (email, compat32)"):
            for content in self._mails:
                _parsed(content)

    def _hop(self) -> None:
        servers = self._installation.instance.endpoints.kafka
        admin = KafkaAdminClient(bootstrap_servers=servers)
        admin.create_topics({TOPIC: {"num_partitions": 4, "replication_factor": 1}})
        admin.close()
        self._produce(servers)
        self._consume(servers)

    def _produce(self, servers: str) -> None:
        producer = KafkaProducer(
            bootstrap_servers=servers,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            batch_size=128 * 1024,
            compression_type="zstd",
        )
        producer.partitions_for(TOPIC)
        with self._timed("Kafka, out"):
            for number, content in enumerate(self._mails):
                producer.send(TOPIC, content, partition=number // AT_ONCE % 4)
            producer.flush()
        producer.close()

    def _consume(self, servers: str) -> None:
        consumer = KafkaConsumer(
            TOPIC,
            bootstrap_servers=servers,
            auto_offset_reset="earliest",
            max_poll_records=500,
            fetch_max_wait_ms=100,
        )
        left = len(self._mails)
        with self._timed("Kafka, in"):
            while left > 0:
                found = consumer.poll(timeout_ms=500)
                left -= sum(map(len, found.values()))
        consumer.close()

    def _store(self) -> None:
        with psycopg.connect(self._installation.database_url) as connection:
            connection.execute(
                "CREATE TABLE bench_floor (mail_id uuid PRIMARY KEY, subject text, body text)"
            )
            connection.commit()
            ids = [uuid.uuid4() for _ in self._mails]
            texts = [content.decode("latin-1") for content in self._mails]
            with self._timed("store, 50 a transaction"):
                for first in range(0, len(ids), AT_ONCE):
                    lot = slice(first, first + AT_ONCE)
                    connection.execute(
                        "INSERT INTO bench_floor"
                        " SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[])",
                        [ids[lot], [text[:70] for text in texts[lot]], texts[lot]],
                    )
                    connection.commit()
            connection.execute("DROP TABLE bench_floor")

    def _build(self) -> list[bytes]:
        with self._timed("make a message, by hand"):
            return [_message(number) for number in range(len(self._mails))]

    def _send(self, messages: Sequence[bytes]) -> None:
        asyncio.run(self._send_all(messages))

    async def _send_all(self, messages: Sequence[bytes]) -> None:
        port = self._installation.smtp_port
        clients = [
            aiosmtplib.SMTP(hostname=LOOPBACK, port=port, start_tls=False)
            for _ in range(SMTP_CONNECTIONS)
        ]
        for client in clients:
            await client.connect()
        waiting = iter(messages)

        async def send(client: aiosmtplib.SMTP) -> None:
            for message in waiting:
                await client.sendmail("help@example.com", ["customer@example.org"], message)

        with self._timed("send (aiosmtplib, 4 connections)"):
            await asyncio.gather(*map(send, clients))
        for client in clients:
            await client.quit()


def _parsed(content: bytes) -> tuple[list[str], list[object]]:
    mail = email.message_from_bytes(content)
    decoded = [
        str(email.header.make_header(email.header.decode_header(str(mail.get(name, "")))))
        for name in HEADERS
    ]
    parts = [part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()]
    return decoded, parts


def _message(number: int) -> bytes:
    return (
        f"From: Help desk <help@example.com>\r\nTo: customer@example.org\r\n"
        f"Subject: [KEY-{number}] We have it\r\nMessage-ID: <{number}.bench@example.com>\r\n"
        "Date: Mon, 05 Jan 2026 08:00:00 +0000\r\nAuto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"We have your mail as KEY-{number}.\r\n"
    ).encode()


def shares(floors: dict[str, Floor], sent_per_mail: float) -> dict[str, float]:
    """Returns the minimum cost of each service, the sum of its steps, in CPU ms per message."""
    fetch, parse, out, into, keep, make, send = (floor.client_ms for floor in floors.values())
    return {
        "fetcher": fetch + out + keep,
        "parser": into + parse + out,
        "handler": into + keep + make * sent_per_mail + out,
        "sender": (into + send + keep) * sent_per_mail,
    }
