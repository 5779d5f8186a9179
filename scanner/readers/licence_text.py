"""The text of a licence as its words alone, so that two copies of one licence have one fingerprint.

What SPDX' matching guidelines leave open is left out: case, spaces, punctuation, the title, whose copyright
it is and since when, the holder's name in BSD's third clause, what follows the end of the terms. Everything
else counts: one clause more or less is another text. A title is made of words that titles are made of, and a
copyright notice of years and a name: a sentence that poses as either stays.
"""

import hashlib
import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_BYTES: Final = 256 * 1024  # the longest of SPDX' list has 110 KB
_TITLE_WORDS: Final = _words(
    """
    the a mit expat x11 bsd isc zlib apache mozilla eclipse gnu gpl lgpl agpl affero lesser
    general public free documentation boost artistic unlicense python psf university of
    illinois ncsa open source initiative osi approved creative commons attribution cc by
    zero cc0 universal international deed legal code dedication license licence software
    foundation version v new revised modified simplified original clause clauses two three
    january february march april may june july august september october november december
    http https www org com licenses html txt terms and conditions for use reproduction
    distribution 0 1 2 3 4 5 2003 2004 2007 2011 17 18 19 20 21 29 preamble full text
    """
)
# Words of terms: a line that has one says more than whose copyright it is.
_TERMS: Final = _words(
    """
    may must shall not no only without use used uses permission permitted prohibited
    forbidden commercial noncommercial non license licensed except provided unless agree
    agreement
    """
)
_NAME: Final = (
    r"(?:[^.;:]|[.:](?=\S)|(?<=\b(?:inc|ltd|llc))\.|(?<=\bcorp)\.|(?<=\b(?:co|jr|al|sa))\.|(?<=\b[a-z])\.)"
    r"{0,160}"
)
_YEARS: Final = r"(?:[\[<({]?(?:(?:19|20)[0-9]{2}|yyyy|year)[\]>)}]?(?:[ ]?(?:[-,/–]|to)[ ]?|(?=[ ]))?){0,30}"
_MARK: Final = r"(?:\(c\)|©|&copy;|copyright)"
_NOTICE: Final = re.compile(
    rf"(?:portions )?{_MARK}(?:[ :]{{1,2}}{_MARK}){{0,2}}[ :,]*{_YEARS}[ ,.:-]*(?:by |held by )?{_NAME}"
    r"\.?(?:[ ]all rights reserved\.?)?|all rights reserved\.?",
)
# Where the text itself names the holder, and how such a place is written once for all.
_HOLDERS: Final = (
    (
        r"neither the names? (?:of )?(?:[a-z0-9]+ ){1,15}?nor the names of (?:its|their|any) contributors",
        "neither the name of the holder nor the names of its contributors",
    ),
    (r"provided by (?:[a-z0-9]+ ){1,8}?as is", "provided by the holder as is"),
    (r"and (?:[a-z0-9]+ ){1,8}?disclaims? all warranties", "and the holder disclaims all warranties"),
    (r"in no event shall (?:[a-z0-9]+ ){1,8}?be liable", "in no event shall the holder be liable"),
)
_END: Final = "end of terms and conditions"
_DECORATION: Final = re.compile(r"^[\s#*/;>\-=_~|]+|[\s#*/=\-_~|]+$")
_BULLET: Final = re.compile(r"(?<!\S)\(?(?:[0-9]{1,2}|[a-z]|[ivx]{1,4})[.)](?=\s)", re.ASCII)
_WORD: Final = re.compile(r"[^\W_]+")
_SAME: Final = {"owner": "holder", "owners": "holders", "https": "http"}


def words(text: str) -> str:
    """The words that count, in lower case with one blank between them."""
    rows = [_DECORATION.sub("", row) for row in text.lower().replace("licence", "license").splitlines()]
    first = next((at for at, row in enumerate(rows) if not _is_head(row)), len(rows))
    body = _BULLET.sub(" ", "\n".join(rows[first:]))
    plain = " ".join(_SAME.get(word, word) for word in _WORD.findall(body)).partition(_END)[0].strip()
    for place, written in _HOLDERS:
        plain = re.sub(place, written, plain)
    return plain


def _is_head(row: str) -> bool:
    """Whether a line before the text is blank, part of a title, or says whose copyright it is."""
    found = set(_WORD.findall(row))
    if found <= _TITLE_WORDS:
        return True
    return found.isdisjoint(_TERMS) and _NOTICE.fullmatch(" ".join(row.split())) is not None


def fingerprint(data: bytes) -> str:
    """128 bits of the SHA-256 of the words, in hexadecimal; nothing where there are too few for a licence."""
    if len(data) > MAX_BYTES:
        return ""
    plain = words(data.decode("utf-8-sig", "replace"))
    return hashlib.sha256(plain.encode()).hexdigest()[:32] if plain.count(" ") >= 20 else ""
