"""Builds Avro schemas from the record dataclasses, keeps them as files, finds them by fingerprint.

This release writes with `schemas/mail_parsed.avsc`. `schemas/released/` keeps every schema that a
release has written with, so that a reader finds an older (or, in a rollout, a newer) one.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import fastavro.schema

from postrail import records

Schema = dict[str, Any]

NAMESPACE = "postrail"
PRIMITIVES: dict[Any, Any] = {
    str: "string",
    int: "long",
    float: "double",
    bool: "boolean",
    bytes: "bytes",
    datetime: {"type": "long", "logicalType": "timestamp-micros"},
}


def record_types() -> tuple[type[Any], ...]:
    """Returns the dataclasses that are written as records of their own."""
    return typing.get_args(records.Record)


def stem_of(record_type: type[Any]) -> str:
    """Returns the file stem of a record: MailParsed gives mail_parsed."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", record_type.__name__).lower()


def schema_of(record_type: type[Any]) -> Schema:
    """Builds the schema of a record dataclass (Avro 1.12 specification, "Schema Declaration")."""
    return typing.cast(Schema, _record_schema(record_type, seen=set()))


def _record_schema(record_type: type[Any], seen: set[str]) -> Any:
    name = record_type.__name__
    if name in seen:
        return f"{NAMESPACE}.{name}"
    seen.add(name)
    hints = typing.get_type_hints(record_type)
    fields = [
        _field_schema(field, hints[field.name], seen) for field in dataclasses.fields(record_type)
    ]
    doc = (record_type.__doc__ or "").strip()
    return {"type": "record", "name": name, "namespace": NAMESPACE, "doc": doc, "fields": fields}


def _field_schema(field: dataclasses.Field[Any], hint: Any, seen: set[str]) -> Schema:
    schema: Schema = {"name": field.name, "type": _type_schema(hint, seen)}
    if field.default is not dataclasses.MISSING:
        schema["default"] = field.default
    elif field.default_factory is not dataclasses.MISSING:
        schema["default"] = field.default_factory()
    return schema


def _type_schema(hint: Any, seen: set[str]) -> Any:
    if hint in PRIMITIVES:
        return PRIMITIVES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = [argument for argument in arguments if argument is not types.NoneType]
        return ["null", _type_schema(inner, seen)]
    if origin is list:
        return {"type": "array", "items": _type_schema(arguments[0], seen)}
    if origin is Mapping:
        return {"type": "map", "values": _type_schema(arguments[1], seen)}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record_schema(hint, seen)
    raise TypeError(f"no Avro type for {hint!r}")


def fingerprint_of(schema: Schema) -> bytes:
    """Returns CRC-64-AVRO of the parsing canonical form, little-endian as in a record's header."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))


@cache
def schema_folder() -> Path:
    """Returns the folder of the schema files: in the installed package, or beside a checkout's."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


@cache
def current_schema(stem: str) -> Schema:
    """Returns the parsed schema with which this release writes the record of this stem."""
    return _load(schema_folder() / f"{stem}.avsc")


@cache
def known_schemas() -> dict[bytes, tuple[str, Schema]]:
    """Returns every schema of every release, by fingerprint, with the record's stem."""
    files = [*schema_folder().glob("*.avsc"), *(schema_folder() / "released").glob("*.avsc")]
    found = ((file.name.split(".")[0], _load(file)) for file in sorted(files))
    return {fingerprint_of(schema): (stem, schema) for stem, schema in found}


def _load(file: Path) -> Schema:
    # Each file is parsed with its own names, or a second version of a record would clash.
    parsed = fastavro.schema.parse_schema(json.loads(file.read_text()), named_schemas={})
    return typing.cast(Schema, parsed)


def schema_files() -> Iterator[tuple[str, str]]:
    """Yields name and content of each current schema file, for `scripts/write_schemas.py`."""
    for record_type in record_types():
        text = json.dumps(schema_of(record_type), indent=2, ensure_ascii=False) + "\n"
        yield f"{stem_of(record_type)}.avsc", text
