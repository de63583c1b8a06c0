"""Encodes and decodes records: Avro single objects with the fingerprint of the writer's schema.

Source: Avro 1.12 specification, "Single-object encoding": the marker C3 01, the 8 byte fingerprint
of the writer's schema, then the datum.
"""

from __future__ import annotations

import dataclasses
import io
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import fastavro

from postrail.errors import PermanentError, TransientError
from postrail.records import R, Record
from postrail.stream.schema import (
    current_schema,
    fingerprint_of,
    known_schemas,
    record_types,
    stem_of,
)

MARKER = b"\xc3\x01"
HEADER_BYTES = 10


class UndecodableError(PermanentError):
    """The bytes are not a record of this topic: other bytes, broken ones or another record."""


class UnknownSchemaError(TransientError):
    """A record was written with a schema that only a newer release has."""


def encode(record: Record) -> bytes:
    """Encodes the record as an Avro single object."""
    record_type: type[Any] = type(record)
    stem = _stem_of(record_type)
    out = io.BytesIO()
    out.write(_header(stem))
    fastavro.schemaless_writer(out, current_schema(stem), _to_plain(record_type)(record))
    return out.getvalue()


def decode(data: bytes) -> Record:
    """Decodes the record, with the schema that its writer used.

    Raises UnknownSchemaError for a fingerprint that no released schema has (wait for a newer
    release), and UndecodableError for all other bytes that do not decode.
    """
    if data[:2] != MARKER or len(data) < HEADER_BYTES:
        raise UndecodableError("the bytes are not an Avro single object")
    known = known_schemas().get(data[2:HEADER_BYTES])
    if known is None:
        raise UnknownSchemaError(
            f"schema fingerprint {data[2:HEADER_BYTES].hex()} is not known to this release",
            remedy="Finish the rollout: a newer release has written this record",
        )
    stem, writer_schema = known
    return _read(stem, writer_schema, data)


def decode_as(record_type: type[R], data: bytes) -> R:
    """Decodes a record of this type; raises as `decode` does, and UndecodableError for others."""
    record = decode(data)
    if not isinstance(record, record_type):
        raise UndecodableError(
            f"a {type(record).__name__} where only {record_type.__name__} records belong"
        )
    return record


def _read(stem: str, writer_schema: Any, data: bytes) -> Record:
    body = io.BytesIO(data)
    body.seek(HEADER_BYTES)
    try:
        plain = fastavro.schemaless_reader(body, writer_schema, current_schema(stem))
        record = _from_plain(_types_by_stem()[stem])(plain)
    # What fastavro raises depends on the broken bytes: EOFError, IndexError, UnicodeError, ...
    except Exception as error:
        raise UndecodableError(f"{stem}: {type(error).__name__}: {error}") from error
    if body.tell() != len(data):
        raise UndecodableError(f"{stem}: {len(data) - body.tell()} bytes follow the record")
    return typing.cast(Record, record)


@cache
def _header(stem: str) -> bytes:
    return MARKER + fingerprint_of(current_schema(stem))


@cache
def _types_by_stem() -> dict[str, type[Any]]:
    return {stem_of(record_type): record_type for record_type in record_types()}


@cache
def _stems_by_name() -> dict[str, str]:
    return {record_type.__name__: stem_of(record_type) for record_type in record_types()}


def _stem_of(record_type: type[Any]) -> str:
    return _stems_by_name()[record_type.__name__]


Converter = Callable[[Any], Any]
_WRITERS: dict[type[Any], Converter] = {}
_READERS: dict[type[Any], Converter] = {}


def _to_plain(record_type: type[Any]) -> Converter:
    """Returns a function that turns a dataclass into the dictionary that fastavro writes."""
    if record_type not in _WRITERS:
        _WRITERS[record_type] = _build_writer(record_type)
    return _WRITERS[record_type]


def _from_plain(record_type: type[Any]) -> Converter:
    """Returns a function that turns the dictionary that fastavro read into a dataclass."""
    if record_type not in _READERS:
        _READERS[record_type] = _build_reader(record_type)
    return _READERS[record_type]


def _build_writer(record_type: type[Any]) -> Converter:
    fields = _nested_fields(record_type, _to_plain)
    names = tuple(field.name for field in dataclasses.fields(record_type))

    def convert(record: Any) -> dict[str, Any]:
        plain = {name: getattr(record, name) for name in names}
        for name, inner in fields:
            plain[name] = inner(plain[name])
        return plain

    return convert


def _build_reader(record_type: type[Any]) -> Converter:
    fields = _nested_fields(record_type, _from_plain)

    def convert(plain: dict[str, Any]) -> Any:
        for name, inner in fields:
            plain[name] = inner(plain[name])
        return record_type(**plain)

    return convert


def _nested_fields(
    record_type: type[Any], converter_of: Callable[[type[Any]], Converter]
) -> list[tuple[str, Converter]]:
    """Returns the fields that hold dataclasses, alone or in lists, with their converters."""
    hints = typing.get_type_hints(record_type)
    found = ((name, _converter(hint, converter_of)) for name, hint in hints.items())
    return [(name, converter) for name, converter in found if converter is not None]


def _converter(hint: Any, converter_of: Callable[[type[Any]], Converter]) -> Converter | None:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return converter_of(hint)
    arguments = typing.get_args(hint)
    inner = _converter(arguments[0], converter_of) if arguments else None
    if inner is None or typing.get_origin(hint) is Mapping:
        return None
    if typing.get_origin(hint) is types.UnionType:
        return lambda value: None if value is None else inner(value)
    return lambda values: [inner(value) for value in values]
