"""Charset names as messages declare them in, Python's codecs for them out."""

from __future__ import annotations

import codecs
from functools import lru_cache

CHARSET_NAME_MAX = 40
# Names that Python does not know.
OTHER_NAMES = {
    "8859-1": "iso-8859-1",
    "ansi": "cp1252",
    "cn-big5": "big5",
    "cn-gb": "gb18030",
    "cp-1251": "cp1251",
    "cp-1252": "cp1252",
    "cp50220": "iso2022_jp",
    "cp50221": "iso2022_jp",
    "cp50222": "iso2022_jp",
    "gb_2312-80": "gb18030",
    "iso-2022-jp-ms": "iso2022_jp",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-8-i": "iso-8859-8",
    "koi8": "koi8-r",
    "koi8r": "koi8-r",
    "koi8-ru": "koi8-u",
    "koi8u": "koi8-u",
    "ks_c_5601": "cp949",
    "ks_c_5601-1989": "cp949",
    "unicode": "utf-16",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "win-1251": "cp1251",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "windows1250": "cp1250",
    "windows1251": "cp1251",
    "windows1252": "cp1252",
    "x-big5": "big5",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gb18030",
    "x-mac-ce": "mac_latin2",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-greek": "mac_greek",
    "x-mac-roman": "mac_roman",
    "x-mac-turkish": "mac_turkish",
    "x-ms-cp932": "cp932",
    "x-sjis": "cp932",
    "x-windows-949": "cp949",
    "x-x-big5": "big5",
}
# Codecs that mailers name when they use a superset. WHATWG's Encoding standard reads Latin-1 as
# Windows-1252, and the Chinese, Japanese and Korean names as the vendors' larger sets.
SUPERSETS = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext",
}
# Python's own text encodings, which are not charsets of messages.
NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs"}


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str | None:
    """Returns Python's name for a charset as messages declare it, or None for an unknown one."""
    name = charset.strip(" \t\r\n\"'").lower()
    name = OTHER_NAMES.get(name, name)
    if not name or len(name) > CHARSET_NAME_MAX or not name.isascii() or "\x00" in name:
        return None
    try:
        info = codecs.lookup(name)
        # Codecs from bytes to bytes ("hex", "zip") raise an error here.
        b"x".decode(info.name, "replace")
    except (LookupError, ValueError):
        return None
    if info.name.replace("-", "_") in NO_CHARSETS:
        return None
    return SUPERSETS.get(info.name, info.name)
