"""Writes addresses as SMTP and header fields want them, and never another address than the given.

What cannot be written is refused (`can_be_written`), not repaired: an address without its blank or
control character belongs to somebody else.
"""

from __future__ import annotations

import re
import unicodedata

# RFC 5321, 4.1.2, with dots at any place, as a Japanese provider gave them out.
_ATOMS = re.compile(r"[^\s\x00-\x1f\x7f-\x9f()<>@,;:\\\"\[\]]+")
_DOT_ATOM = re.compile(r"[^.]+(?:\.[^.]+)*")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]|\\[\x20-\x7e])*"')
_DOMAIN = re.compile(r"[^\s\x00-\x1f\x7f-\x9f()<>@,;\\\"]+")
_ESCAPED = re.compile(r"\\(.)")
# What a header field must not hold; `can_be_written` refuses addresses with them.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPACES = re.compile(r"\s")
_LABEL_ENDS = re.compile("[.\u3002\uff0e\uff61]")
# The characters that IDNA 2003, which Python's codec speaks, maps to others or drops, while the
# registries (IDNA 2008, RFC 5891) hold separate names with them.
_OWN_NAMES = re.compile("[\u00df\u03c2\u200c\u200d]")


def smtp_address(address: str) -> str:
    """Returns the address as in an SMTP command: the local part quoted if it needs that.

    The domain is in ASCII; a local part outside of ASCII stays as it is.
    """
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return domain
    return f"{_local(local, _ATOMS.fullmatch(local) is not None)}@{ascii_domain(domain)}"


def can_be_written(smtp_form: str) -> bool:
    """Returns whether SMTP can carry what `smtp_address` returned."""
    local, at, domain = smtp_form.rpartition("@")
    if not at or not _DOMAIN.fullmatch(domain):
        return False
    return bool(_ATOMS.fullmatch(local) or _QUOTED.fullmatch(local))


def header_address(address: str) -> str:
    """Returns the address as in a header field; no value can begin another field."""
    local, at, domain = address.strip().rpartition("@")
    is_atom = _ATOMS.fullmatch(local) is not None and _DOT_ATOM.fullmatch(local) is not None
    written = _local(local, is_atom) if at else ""
    return _CONTROLS.sub("_", written) + at + _SPACES.sub("_", ascii_domain(domain))


def _local(local: str, is_atom: bool) -> str:
    if is_atom or not local or _QUOTED.fullmatch(local):
        return local
    escaped = local.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def holds_address(name: str) -> bool:
    """Tells whether readers or filters may take the name, or a part of it, for an address."""
    return "@" in unicodedata.normalize("NFKC", name)


def compared_address(address: str) -> str:
    """Returns the one form of all ways to write an address (RFC 5321, 4.1.2; RFC 5891).

    In lower case, with the domain in ASCII and without a last dot, and the local part without
    quotes that it does not need.
    """
    local, at, domain = address.strip().lower().rpartition("@")
    if len(local) > 1 and _QUOTED.fullmatch(local):
        bare = _ESCAPED.sub(r"\1", local[1:-1])
        local = bare if _ATOMS.fullmatch(bare) else local
    return f"{local}{at}{ascii_domain(domain.strip()).lower().rstrip('.')}"


def ascii_domain(domain: str) -> str:
    """Returns the domain in the form of DNS and of SMTP servers without SMTPUTF8 (RFC 5891)."""
    if domain.isascii():
        return domain
    try:
        return ".".join(_ascii_label(label) for label in _LABEL_ENDS.split(domain))
    except UnicodeError:
        # DNS cannot hold this name; it is kept, so that the server's refusal shows it.
        return domain


def _ascii_label(label: str) -> str:
    if not _OWN_NAMES.search(label):
        return label.encode("idna").decode("ascii")
    # Not "casefold", which makes "ss" of the sharp s.
    lowered = unicodedata.normalize("NFC", label.lower())
    return f"xn--{lowered.encode('punycode').decode('ascii')}"
