"""The words that an anonymised message keeps: those of protocols, and those that the parser knows.

They say nothing about a person: the parser's own tables hold the words of mail programs.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from types import ModuleType

from postrail import stand_in
from services.parser.kind import classify, complaints, receipt, receipt_words, signals
from services.parser.kind import words as kind_words
from services.parser.kind.bounce import codes, entries, notice, prose, rules, status
from services.parser.kind.bounce import words as bounce_words
from services.parser.reply import attribution, headings, html, signature_words
from services.parser.reply import words as reply_words
from services.parser.text.hypertext import elements

LETTERS = re.compile(r"[^\W\d_]+")
TABLES: tuple[ModuleType, ...] = (
    *(attribution, headings, html, signature_words, reply_words, elements),
    *(classify, complaints, receipt, receipt_words, signals, kind_words),
    *(stand_in, codes, entries, notice, prose, rules, status, bounce_words),
)
# Words of header fields and their values, of MIME, HTML and addresses on the web.
_PROTOCOLS = """
    from to cc bcc sender reply subject date message id in references received return path delivered
    original envelope forwarded x resent mime version content type transfer encoding disposition
    description language list unsubscribe subscribe post help archive owner precedence bulk junk
    auto submitted generated replied response suppress all dr oof autoreply rn nrn priority
    importance high normal low spam flag status score level yes no dkim signature authentication
    results arc seal pass fail softfail neutral none temperror permerror spf dmarc header smtp
    mailfrom helo rsa sha domain action final recipient reporting mta remote diagnostic code
    failed delayed relayed expanded arrival last attempt rfc dns utf iso ascii us windows cp koi
    text plain html multipart mixed alternative related report signed encrypted delivery
    notification application octet stream image png jpeg gif svg pdf zip xml json csv calendar
    video audio font attachment inline filename name charset boundary format flowed delsp quoted
    printable base bit binary by with via for esmtp esmtps esmtpsa lmtp http https www mailto ftp
    com org net edu gov mil int info biz io example test invalid localhost local arpa
    mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec gmt utc est edt
    begin end vcalendar vevent vtimezone dtstart dtend dtstamp uid organizer attendee summary
    location method request cancel sequence tzid rrule valarm trigger partstat accepted declined
    tentative rsvp true false mailer daemon postmaster noreply donotreply autoresponder vacation
    style script head body div span table tbody tr td th br hr img src href alt title class width
    height border cellpadding cellspacing align valign color font family size display hidden
    pkcs smime enveloped authenveloped enriched protocol micalg tnef refresh publish counter
    visibility margin padding left right top bottom px pt em auto bold italic underline
"""
# Parts of addresses by which programs are told from people.
_ROBOTS = """
    mailer daemon postmaster noreply no reply do not donotreply autoreply auto autoresponder bounce
    bounces vacation notification notifications alert alerts system mail delivery subsystem
    administrator undisclosed recipients owner request com org net edu gov mil int info biz io
    example test invalid localhost local
"""


PROTOCOLS = frozenset(_PROTOCOLS.split())
ROBOTS = frozenset(_ROBOTS.split())


@cache
def known_words() -> frozenset[str]:
    """Returns the words of protocols and of the parser's tables, as they are compared."""
    return PROTOCOLS.union(*map(_words_in, TABLES))


def _words_in(module: ModuleType) -> frozenset[str]:
    """Returns the words of the literals of a module: its tables, and what stands beside them."""
    tree = ast.parse(inspect.getsource(module))
    literals = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return frozenset(word.casefold() for text in literals for word in LETTERS.findall(text))
