"""The targets of links: an address in HTML and the text of its link in, what the text shows out."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

# Targets that say nothing without a browser, or without the page that they are in.
NOT_SHOWN = frozenset(
    {"about", "blob", "cid", "data", "javascript", "mid", "vbscript", "x-apple-data-detectors"}
)
WITHIN_PAGE = re.compile(r"[#?.]|/(?!/)|[^./\\]*+\Z")
SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
SPACES = re.compile(r"[\s\x00-\x20\x7f-\x9f\u200b\ufeff]+")
PREFIX = re.compile(
    r"mailto:|tel:|callto:|sips?:|ftp://|file:/*+|(?:https?://)?(?:www\.)?", re.IGNORECASE
)
# A label of a host name with letters that are not ASCII (RFC 5890).
LABEL = re.compile(r"(?<![\w-])xn--([a-z0-9-]{1,59})", re.IGNORECASE | re.ASCII)
# What people write around an address.
AROUND = "<>()[]\"'.,;:"
PHONE = re.compile(r"[^\w+]+")
# The services through which mail gateways and web mailers lead links: their hosts and paths, and
# the parameter that names the real target. The targets of other redirects are not in them.
REDIRECTS = (
    ("safelinks.protection.outlook.com", "/", "url"),
    ("statics.teams.cdn.office.net", "/evergreen-assets/safelinks/", "url"),
    ("www.google.com", "/url", "q"),
    ("www.google.com", "/url", "url"),
    ("l.facebook.com", "/", "u"),
    ("linkprotect.cudasvc.com", "/", "a"),
    ("clicktime.symantec.com", "/", "u"),
    ("urlsand.esvalabs.com", "/", "u"),
    ("deref-gmx.net", "/", "redirectUrl"),
    ("deref-web.de", "/", "redirectUrl"),
    ("deref-mail.com", "/", "redirectUrl"),
)
# Proofpoint's second version escapes the target, its third one has it in the path, with a "*" for
# each letter that it moved elsewhere.
PROOFPOINT = re.compile(r"urldefense\.(?:proofpoint\.)?(?:com|us)\Z")
PROOFPOINT_ESCAPES = str.maketrans("-_", "%/")
PROOFPOINT_PATH = re.compile(r"/v3/__([^*]+?)__;")
WEB_ADDRESS = re.compile(r"https?://[^\s<>]+\Z", re.IGNORECASE)


def shown_target(href: str, text: str) -> str:
    """Returns what the text of a link does not show of its target; "" if it shows all."""
    target = _target(href)
    return "" if not target or _is_same(target, text) else target


def _target(href: str) -> str:
    joined = SPACES.sub("", href)
    scheme = SCHEME.match(joined)
    name = scheme[1].lower() if scheme else ""
    rest = joined[scheme.end() :] if scheme else joined
    if name in NOT_SHOWN or not rest.strip("/") or (not name and WITHIN_PAGE.match(joined)):
        return ""
    if name == "tel":
        return PHONE.sub("", unquote(rest))
    if name == "mailto":
        # What follows the address are proposals for a message.
        return SPACES.sub("", unquote(rest.partition("?")[0]))
    if name in ("http", "https"):
        return _redirected(joined) or joined
    # The paths of files may contain spaces.
    return SPACES.sub(" ", href).strip(" ").replace(" ", "%20")


def _redirected(href: str) -> str:
    """Returns the target that a known redirect names, or ""."""
    try:
        parts = urlsplit(href)
        host = (parts.hostname or "").lower()
        found = _proofpoint(href, parts.query) if PROOFPOINT.match(host) else ""
        for service, path, parameter in REDIRECTS:
            if f".{host}".endswith(f".{service}") and parts.path.startswith(path):
                found = found or parse_qs(parts.query).get(parameter, [""])[0]
    except ValueError:
        return ""
    return found if WEB_ADDRESS.match(found) else ""


def _proofpoint(href: str, query: str) -> str:
    if found := PROOFPOINT_PATH.search(href):
        return found[1]
    return unquote(parse_qs(query).get("u", [""])[0].translate(PROOFPOINT_ESCAPES))


def _is_same(target: str, text: str) -> bool:
    """Tells whether a text is the target, apart from what people leave out."""
    shown = _bare(text)
    return shown == _bare(target) or PHONE.sub("", shown) == target


def _bare(address: str) -> str:
    address = SPACES.sub("", unquote(address)).strip(AROUND).replace("\\", "/")
    if "xn--" in address.lower():
        address = LABEL.sub(_decoded, address)
    return PREFIX.sub("", address, count=1).strip("/").lower()


def _decoded(label: re.Match[str]) -> str:
    try:
        return label[1].encode().decode("punycode")
    except UnicodeError:
        return label[0]
