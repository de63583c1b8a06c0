"""Checks requests to Microsoft Graph, and the fake's answers, against the vendor's description.

`graph-mail.json` is cut from Microsoft's OpenAPI description of Graph 1.0 (MIT licence).
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DESCRIPTION = Path(__file__).with_name("graph-mail.json")
SIZE = "singleValueExtendedProperties"
# The vendor's pages allow what the description lacks: message-delta.md ("delta query
# supports $select, $top, and $expand for messages"), and the page on getting a
# singleValueLegacyExtendedProperty, which expands it in any GET of a message.
ALSO_EXPANDED = {
    "/users/{user-id}/mailFolders/{mailFolder-id}/messages/delta()": SIZE,
    "/users/{user-id}/messages/{message-id}": SIZE,
}
# The vendor's pages on sending MIME (user-sendmail, user-post-messages): base64 as text/plain.
MIME_TAKEN = {"/users/{user-id}/messages", "/users/{user-id}/sendMail"}
# The same pages, and message-send: 202 Accepted, where the description says 204.
ALSO_ANSWERED = {
    "/users/{user-id}/sendMail": "202",
    "/users/{user-id}/messages/{message-id}/send": "202",
}
# Opaque state, which only Graph itself writes into links.
STATE = {"$deltatoken", "$skiptoken"}


class ContractBroken(AssertionError):
    """A request or an answer is not as the vendor describes it."""


@functools.cache
def description() -> dict[str, Any]:
    """Returns the description, with its schemas as JSON Schema."""
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    loaded["components"] = _as_json_schema(loaded["components"])
    loaded["paths"] = _as_json_schema(loaded["paths"])
    return loaded


def _as_json_schema(node: Any) -> Any:
    """Converts `nullable` of OpenAPI 3.0 to JSON Schema's type."""
    if isinstance(node, list):
        return [_as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _as_json_schema(value) for key, value in node.items()}
    if made.pop("nullable", False) is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    if isinstance(made.get("required"), list):
        # The description requires it everywhere; Graph sends it where types are mixed.
        made["required"] = [name for name in made["required"] if name != "@odata.type"]
    return made


@functools.cache
def _template_of(path: str) -> str:
    """Returns the described path; /me stands for the signed-in user's /users/{id}."""
    told = re.sub(r"^/me(?=/|$)", "/users/me", path)
    told = re.sub(r"/delta$", "/delta()", told)
    for template in description()["paths"]:
        parts = [
            "[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/")
        ]
        if re.fullmatch("/".join(parts), told):
            return str(template)
    raise ContractBroken(f"no such path: {path}")


def check_request(
    method: str,
    path: str,
    query: Mapping[str, str],
    body: bytes,
    content_type: str = "application/json",
) -> None:
    """Raises ContractBroken for a path, method, parameter or body that Graph does not describe."""
    template = _template_of(path)
    operation = _operation(method, template)
    described = {
        parameter["name"]: parameter["schema"]
        for parameter in map(_resolved, operation.get("parameters", []))
        if parameter["in"] == "query"
    }
    if template in ALSO_EXPANDED:
        items = {"enum": [ALSO_EXPANDED[template]]}
        described.setdefault("$expand", {"type": "array", "items": items})
    for name, value in query.items():
        if name not in STATE:
            _check_parameter(f"{method} {template}", name, value, described)
    if content_type.startswith("text/plain") and template in MIME_TAKEN:
        _check_mime(f"{method} {path}", body)
    elif "requestBody" in operation:
        content = _resolved(operation["requestBody"])["content"]
        _check_body(f"{method} {path}", content["application/json"]["schema"], json.loads(body))
    elif body:
        raise ContractBroken(f"{method} {path} has no body")


def _check_mime(where: str, body: bytes) -> None:
    try:
        base64.b64decode(body, validate=True)
    except ValueError as error:
        raise ContractBroken(f"{where}: MIME that is not base64") from error


def check_answer(method: str, path: str, status: int, body: bytes) -> None:
    """Raises ContractBroken for an answer that Graph would not give."""
    template = _template_of(path)
    answers = _operation(method, template)["responses"]
    if ALSO_ANSWERED.get(template) == str(status):
        return
    answer = answers.get(str(status), answers.get(f"{status // 100}XX"))
    if answer is None:
        raise ContractBroken(f"{method} {path} is never answered by {status}")
    content = _resolved(answer).get("content", {})
    if "application/json" in content:
        _check_body(
            f"{method} {path}: {status}", content["application/json"]["schema"], json.loads(body)
        )
    elif not content and body:
        raise ContractBroken(f"{method} {path} is answered without a body")


def _operation(method: str, template: str) -> dict[str, Any]:
    operation = description()["paths"][template].get(method.lower())
    if operation is None:
        raise ContractBroken(f"no {method} for {template}")
    return dict(operation)


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = description()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _check_parameter(where: str, name: str, value: str, described: Mapping[str, Any]) -> None:
    schema = described.get(name)
    if schema is None:
        raise ContractBroken(f"{where} takes no {name}")
    if schema["type"] == "array":
        allowed = schema["items"]["enum"]
        for item in re.sub(r"\(.*?\)", "", value).split(","):
            if item.removesuffix(" asc") not in allowed:
                raise ContractBroken(f"{where}: {name} knows no {item}")
    elif schema["type"] == "integer" and not value.isdigit():
        raise ContractBroken(f"{where}: {name} is no number: {value}")


def _check_body(where: str, schema: dict[str, Any], body: Any) -> None:
    """Yields the body, or each item of a collection, with a schema that has no other property."""
    fault = next(_validator(json.dumps(schema)).iter_errors(body), None)
    if fault is not None:
        raise ContractBroken(f"{where}: {fault.json_path}: {fault.message}")
    item = _item_schema(schema)
    for value in body.get("value", []) if item else []:
        _check_body(where, item, value)


def _item_schema(schema: dict[str, Any]) -> dict[str, Any]:
    for part in _resolved(schema).get("allOf", []):
        items = part.get("properties", {}).get("value", {}).get("items")
        if items:
            return dict(items)
    return {}


@functools.cache
def _validator(schema: str) -> Draft202012Validator:
    closed = {
        "allOf": [json.loads(schema)],
        # OData's annotations (`@odata.context`, `@removed`) are not properties.
        "patternProperties": {"@": {}},
        "unevaluatedProperties": False,
        "components": description()["components"],
    }
    return Draft202012Validator(closed)
