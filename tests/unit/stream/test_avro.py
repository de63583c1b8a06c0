"""Tests encoding and decoding of records, and the errors for other bytes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_many

from postrail.message_parts import Address, Attachment, MailboxProgress
from postrail.records import MailFetched, MailParsed, PipelineProgress
from postrail.stream import avro, schema
from tests.makers.records import NOON, mail_fetched, mail_parsed

RELEASED = schema.schema_folder() / "released"


def test_a_nested_record_comes_back_as_it_was() -> None:
    mail = mail_parsed(
        cc=[Address(name="ü", address="a@b.c")],
        attachments=[
            Attachment(
                name="x.pdf",
                content_type="application/pdf",
                size=1,
                sha256="00",
                content_id=None,
                inline=False,
            )
        ],
        sender=None,
    )
    assert avro.decode(avro.encode(mail)) == mail


def test_maps_and_times_come_back_as_they_were() -> None:
    progress = PipelineProgress(
        process="p",
        service="parser",
        version="1",
        started_at=NOON,
        reported_at=NOON,
        address="127.0.0.1:1",
        ready=True,
        mailboxes=[
            MailboxProgress(
                mailbox="m",
                outcomes={"issue": 3},
                age_buckets={"0.1": 1},
                age_sum_seconds=0.5,
                last_contact_at=None,
            )
        ],
    )
    assert avro.decode(avro.encode(progress)) == progress


@pytest.mark.parametrize("record_type", schema.record_types(), ids=lambda t: t.__name__)
def test_the_schema_file_is_that_of_the_dataclass(record_type: type[Any]) -> None:
    file = schema.schema_folder() / f"{schema.stem_of(record_type)}.avsc"
    assert json.loads(file.read_text()) == schema.schema_of(record_type)


def test_the_fingerprint_is_the_one_of_the_specification() -> None:
    # Avro's own test vector: "int" has the CRC-64-AVRO 7275d51a3f395c8f, here little-endian.
    assert schema.fingerprint_of("int").hex() == "8f5c393f1ad57572"  # type: ignore[arg-type]


def released_pairs() -> list[tuple[str, Path]]:
    return [(file.name.split(".")[0], file) for file in sorted(RELEASED.glob("*.avsc"))]


def sample(writer: schema.Schema) -> Any:
    return next(iter(generate_many(writer, 1)))


def can_read(writer: schema.Schema, reader: schema.Schema) -> None:
    import io

    out = io.BytesIO()
    fastavro.schemaless_writer(out, writer, sample(writer))
    out.seek(0)
    fastavro.schemaless_reader(out, writer, reader)


@pytest.mark.parametrize(
    ("stem", "file"), released_pairs(), ids=lambda value: getattr(value, "name", value)
)
def test_old_and_new_releases_read_each_other(stem: str, file: Path) -> None:
    released: Any = fastavro.schema.parse_schema(json.loads(file.read_text()), named_schemas={})
    current = schema.current_schema(stem)
    can_read(released, current)
    can_read(current, released)


def with_field(stem: str, field: dict[str, Any]) -> schema.Schema:
    changed = json.loads((schema.schema_folder() / f"{stem}.avsc").read_text())
    changed["fields"].append(field)
    return fastavro.schema.parse_schema(changed, named_schemas={})  # type: ignore[return-value]


def test_a_new_field_without_default_would_be_refused() -> None:
    changed = with_field("mail_fetched", {"name": "colour", "type": "string"})
    with pytest.raises(fastavro.read.SchemaResolutionError):
        can_read(schema.current_schema("mail_fetched"), changed)


def test_a_removed_field_would_be_refused() -> None:
    """The last release cannot read records of the new one: its field has no default."""
    current = json.loads((schema.schema_folder() / "mail_fetched.avsc").read_text())
    current["fields"] = [field for field in current["fields"] if field["name"] != "size"]
    changed = fastavro.schema.parse_schema(current, named_schemas={})
    with pytest.raises(fastavro.read.SchemaResolutionError):
        can_read(changed, schema.current_schema("mail_fetched"))  # type: ignore[arg-type]


def test_an_older_writer_is_read_by_its_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    older = json.loads((schema.schema_folder() / "mail_fetched.avsc").read_text())
    older["fields"].append({"name": "colour", "type": "string", "default": ""})
    parsed: Any = fastavro.schema.parse_schema(older, named_schemas={})
    fingerprint = schema.fingerprint_of(parsed)
    known = {**schema.known_schemas(), fingerprint: ("mail_fetched", parsed)}
    monkeypatch.setattr(avro, "known_schemas", lambda: known)
    import io

    out = io.BytesIO(avro.MARKER + fingerprint)
    out.seek(0, io.SEEK_END)
    mail = mail_fetched()
    fastavro.schemaless_writer(out, parsed, {**dataclasses.asdict(mail), "colour": "red"})
    assert avro.decode(out.getvalue()) == mail


@pytest.mark.parametrize(
    "data",
    [
        b"",  # an empty value
        b"\xc3\x01\x00",  # shorter than a header
        b"{}",  # JSON of another program
        avro.encode(mail_fetched())[:-3],  # cut off
        avro.encode(mail_fetched()) + b"x",  # something follows
        avro.encode(mail_fetched())[:10] + b"\xff" * 30,  # rubbish behind a good header
    ],
)
def test_bytes_that_are_not_a_record_raise_undecodable(data: bytes) -> None:
    with pytest.raises(avro.UndecodableError):
        avro.decode(data)


def test_a_record_is_read_as_the_type_that_is_asked_for() -> None:
    mail = mail_fetched()
    assert avro.decode_as(MailFetched, avro.encode(mail)) == mail
    with pytest.raises(avro.UndecodableError, match="MailFetched where only MailParsed"):
        avro.decode_as(MailParsed, avro.encode(mail))


def test_an_unknown_fingerprint_means_a_newer_release() -> None:
    with pytest.raises(avro.UnknownSchemaError, match="0102030405060708"):
        avro.decode(avro.MARKER + bytes(range(1, 9)) + b"whatever")


def test_records_are_what_the_topics_hold() -> None:
    from postrail.stream.topics import TOPICS

    assert {topic.record for topic in TOPICS} == set(schema.record_types())
    assert MailParsed in schema.record_types()
