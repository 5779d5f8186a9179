"""Text that any reader of a document takes: no half surrogate pairs, no secrets, links that are links."""

import re
from functools import lru_cache
from typing import Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
MAX_LINK: Final = 2_000  # no browser takes more, and validators read a long one slowly
# A host with its port, and then what RFC 3986 lets stand: no spaces, quotes or angle brackets to break out
# with, no escape that is none.
_URL: Final = re.compile(
    r"(?:https?|ssh|git|git\+https?|git\+ssh|hg\+https?|svn\+https?)://"
    r"(?:git@)?[A-Za-z0-9._-]+(?::[0-9]{1,5})?"
    r"(?:/(?:[A-Za-z0-9._~:/&=+@,;!$*()-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~:/?&=+@,;!$*()-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9._~:/?&=+@,;!$*()-]|%[0-9A-Fa-f]{2})*)?",
    re.ASCII,
)
# Types of package URL whose version is the component's version to the letter.
_SAME_VERSION: Final = ("pkg:pypi/", "pkg:conda/", "pkg:huggingface/", "pkg:npm/", "pkg:cargo/")
_PURL: Final = re.compile(r"pkg:[!-~]+", re.ASCII)
_USER: Final = re.compile(r"//(?!git@)[^/]*@")


def well_formed(text: str) -> str:
    r"""``text`` as UTF-8 can carry it: undecodable bytes as ``\xNN``, lone surrogates as ``\uNNNN``.

    Names from a file system hold such halves (PEP 383). As JSON escapes they would be legal, and refused by
    every strict reader: the whole document would be lost over one name.
    """
    return text if text.isascii() else _SURROGATE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def without_user(url: str) -> str:
    """``url`` without the user and password that may stand before its host."""
    return _USER.sub("//", url)


def link(url: str) -> str:
    """``url`` without credentials where it is one that a document may link to, else nothing."""
    plain = without_user(url)
    return plain if len(plain) <= MAX_LINK and _URL.fullmatch(plain) else ""


@lru_cache(maxsize=16384)
def purl_version(text: str) -> str | None:
    """The version that the package URL states, empty where it states none; None where it is no such URL."""
    if not _PURL.fullmatch(text):
        return None
    from packageurl import PackageURL

    try:
        return PackageURL.from_string(text).version or ""
    except ValueError:
        return None


def contradicts(purl: str, stated: str, version: str) -> bool:
    """Whether the version that a package URL states is another than its component's."""
    return bool(stated and version) and stated != version and purl.startswith(_SAME_VERSION)
