"""Each real server that the tests use answers, and does what the tests need."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from imapclient import IMAPClient
from kafka import KafkaAdminClient

from postrail.embedded.kafka import Kafka
from postrail.embedded.ports import answers, free_port
from postrail.embedded.postgres import Postgres
from postrail.embedded.process_ids import until
from postrail.embedded.processes import Child
from postrail.settings import Settings
from tests.servers.certificates import Certificates
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.smtp_sink import SmtpSink, read_journal

MESSAGE = b"From: a@example.org\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nhello\r\n"


def topics_of(bootstrap_servers: str) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        return list(admin.list_topics())
    finally:
        admin.close()


def test_shared_kafka_answers(broker: str) -> None:
    assert isinstance(topics_of(broker), list)


def test_own_kafka_restarts_on_the_same_port_after_a_kill(own_broker: Kafka) -> None:
    address = own_broker.bootstrap_servers
    own_broker.kill()
    own_broker.start()
    assert own_broker.bootstrap_servers == address
    assert topics_of(address) == []


def test_database_has_the_migrations(database_url: str, empty_database_url: str) -> None:
    query = "select count(*) from information_schema.tables where table_schema = 'public'"
    with psycopg.connect(database_url) as migrated, psycopg.connect(empty_database_url) as empty:
        tables, none = migrated.execute(query).fetchone(), empty.execute(query).fetchone()
    assert tables is not None
    assert tables[0] > 0
    assert none == (0,)


def test_own_postgres_keeps_its_data_over_a_kill(own_postgres: Postgres) -> None:
    with psycopg.connect(own_postgres.url) as connection:
        connection.execute("create table kept as select 1 as one")
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(own_postgres.url) as connection:
        assert connection.execute("select one from kept").fetchone() == (1,)


def test_settings_and_environment_agree(settings: Settings, environment: dict[str, str]) -> None:
    assert settings.kafka.partitions == 4
    assert settings.kafka.prefix == environment["POSTRAIL_KAFKA__PREFIX"]
    assert settings.database.url.get_secret_value() == environment["POSTRAIL_DATABASE__URL"]


@pytest.mark.debian
def test_dovecot_speaks_imap_with_and_without_tls(
    dovecot: Dovecot, certificates: Certificates
) -> None:
    trusted = certificates.client_context()
    with imaplib.IMAP4(dovecot.host, dovecot.imap_port) as client:
        client.starttls(trusted)
        assert client.login("anna", "secret")[0] == "OK"
    with imaplib.IMAP4_SSL(dovecot.host, dovecot.imaps_port, ssl_context=trusted) as client:
        assert client.login("anna", "secret")[0] == "OK"
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL(
            dovecot.host, dovecot.imaps_port, ssl_context=ssl.create_default_context()
        )


@pytest.mark.debian
def test_dovecot_accepts_messages_in_all_ways(dovecot: Dovecot) -> None:
    received = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert dovecot.append("anna@lab.test", MESSAGE, when=received) == 1
    dovecot.deliver("anna@lab.test", MESSAGE)
    dovecot.fill("anna@lab.test", [MESSAGE, MESSAGE])
    assert dovecot.uids("anna@lab.test") == [1, 2, 3, 4]
    assert dovecot.flags("anna@lab.test")[1] == set()
    assert dovecot.messages("anna@lab.test")[0] == MESSAGE


@pytest.mark.debian
def test_dovecot_reports_new_messages_and_disconnects(dovecot: Dovecot) -> None:
    with IMAPClient(dovecot.host, dovecot.imap_port, ssl=False) as client:
        client.login("anna", "secret")
        client.select_folder("INBOX")
        client.idle()
        dovecot.deliver("anna", MESSAGE)
        assert (1, b"EXISTS") in client.idle_check(timeout=10)
        client.idle_done()
    dovecot.kick("anna")


@pytest.mark.debian
def test_dovecot_changes_uidvalidity_and_restarts(dovecot: Dovecot) -> None:
    dovecot.append("anna", MESSAGE)
    dovecot.set_uidvalidity("anna", 4242)
    assert dovecot.uidvalidity("anna") == 4242
    dovecot.stop()
    dovecot.start()
    assert dovecot.uids("anna") == [1]


@pytest.mark.debian
def test_postfix_accepts_delivers_and_refuses(
    postfix: Postfix, dovecot: Dovecot, certificates: Certificates
) -> None:
    with smtplib.SMTP(postfix.host, postfix.smtp_port) as client:
        client.starttls(context=certificates.client_context())
        client.login("anna", "secret")
        refused = client.sendmail(
            "anna@lab.test", ["ben@lab.test", "gone@lab.test", "grey@lab.test"], MESSAGE
        )
    assert {address: reply[0] for address, reply in refused.items()} == {
        "gone@lab.test": 550,
        "grey@lab.test": 450,
    }
    assert until(lambda: bool(dovecot.uids("ben@lab.test")), 10)
    assert b"Subject: hello" in dovecot.messages("ben@lab.test")[0]


def test_sink_keeps_messages_and_fails_on_demand(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        client.sendmail("us@lab.test", ["ben@lab.test"], MESSAGE)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("us@lab.test", ["code550@lab.test"], MESSAGE)
        with pytest.raises(smtplib.SMTPDataError):
            client.sendmail("us@lab.test", ["data452@lab.test"], MESSAGE)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("us@lab.test", ["acceptdrop@lab.test"], MESSAGE)
    kept = smtp_sink.wait_for(2)
    assert [mail.recipients for mail in kept] == [("ben@lab.test",), ("acceptdrop@lab.test",)]
    assert kept[0].message_id == "<1@example.org>"
    assert smtp_sink.refused == [("code550@lab.test", "550")]


def test_sink_requires_a_login_over_tls(certificates: Certificates) -> None:
    sink = SmtpSink(tls=certificates.server_context(), login=("us", "secret"))
    sink.start()
    try:
        with smtplib.SMTP(sink.host, sink.port) as client:
            client.starttls(context=certificates.client_context())
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("us", "wrong")
            client.login("us", "secret")
            client.sendmail("us@lab.test", ["ben@lab.test"], MESSAGE)
    finally:
        sink.stop()
    assert len(sink.mails) == 1


def test_a_stopped_sink_breaks_connections_and_restarts(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        client.sendmail("us@lab.test", ["ben@lab.test"], MESSAGE)
        smtp_sink.stop()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("us@lab.test", ["ben@lab.test"], MESSAGE)
    smtp_sink.start()
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        client.sendmail("us@lab.test", ["ben@lab.test"], MESSAGE)
    assert len(smtp_sink.mails) == 2


def test_the_sink_process_keeps_a_journal(own_folder: Path) -> None:
    port, journal = free_port(), own_folder / "journal"
    sink = Child(
        "sink",
        [sys.executable, "-m", "tests.servers.smtp_sink", str(port), str(journal)],
        log_file=own_folder / "sink.log",
    )
    sink.start()
    try:
        sink.wait_until(lambda: answers(port), 10)
        with smtplib.SMTP("localhost", port) as client:
            client.sendmail("us@lab.test", ["ben@lab.test", "eva@lab.test"], MESSAGE)
        [mail] = read_journal(journal)
    finally:
        sink.stop()
    assert mail.recipients == ("ben@lab.test", "eva@lab.test")
    assert mail.content == MESSAGE
    assert sink.exit_code == 0
