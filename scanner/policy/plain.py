"""Documents of other people (TOML, JSON) read value by value, each mistake told with file, key and wish."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Final, TypeVar, cast

from sbom.record import record
from scanner.errors import ConfigurationError
from scanner.limits import Limits
from scanner.text import visible

T = TypeVar("T", bound=str)

_SHA256: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_SHOWN: Final = 80
_LAST_YEAR: Final = 9000  # days are added to dates, and the calendar ends in 9999


@record
class At:
    """A value, the document it stands in and its path there (``waivers[2].expires``)."""

    value: object
    file: str
    path: str = ""

    def wrong(self, wanted: str, *, found: str | None = None) -> ConfigurationError:
        """The error that this value is not what was wanted."""
        said = _told(self.value) if found is None else found
        return ConfigurationError(f"{self._place()}: found {said}, wanted {wanted}")

    def error(self, message: str) -> ConfigurationError:
        """An error at this value."""
        return ConfigurationError(f"{self._place()}: {message}")

    @property
    def source(self) -> str:
        """File and path, for whoever has to find the value again."""
        return self._place()

    def table(self) -> dict[str, "At"]:
        """Its keys and values."""
        if not isinstance(self.value, dict):
            raise self.wrong("a table")
        return {
            str(key): At(value, self.file, f"{self.path}.{key}" if self.path else str(key))
            for key, value in self.value.items()
        }

    def keys_of(self, allowed: Collection[str], *, required: Sequence[str] = ()) -> dict[str, "At"]:
        """Its keys and values; a key that is not allowed, or is required and not there, is an error."""
        rows = self.table()
        for key, at in rows.items():
            if key not in allowed:
                raise at.error(f"unknown key {visible(key, limit=_SHOWN)!r}{nearest(key, allowed)}")
        for key in required:
            if key not in rows:
                raise self.error(f"{key!r} is missing")
        return rows

    def rows(self) -> list["At"]:
        """Its elements."""
        if not isinstance(self.value, list | tuple):
            raise self.wrong("a list")
        return [At(value, self.file, f"{self.path}[{at}]") for at, value in enumerate(self.value)]

    def text(self, *, empty: bool = False) -> str:
        """A string, with something in it unless ``empty``."""
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        if not empty and not self.value.strip():
            raise self.wrong("a text", found="an empty one")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """A list of strings; a single one counts as a list of one."""
        if isinstance(self.value, str):
            return (self.text(),)
        return tuple(each.text() for each in self.rows())

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def count(self) -> int:
        """A whole number, not below zero."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 0:
            raise self.wrong("a whole number, 0 or more")
        return self.value

    def choice(self, allowed: Sequence[T]) -> T:
        """One of the allowed words."""
        if not isinstance(self.value, str) or self.value not in allowed:
            raise self.wrong("one of " + ", ".join(allowed) + nearest(self.value, allowed))
        return cast("T", self.value)

    def day(self) -> date:
        """A date, as TOML has it or as a string ``2027-02-28``."""
        said = self.value
        if isinstance(said, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", said, re.ASCII):
            try:
                said = date.fromisoformat(said)
            except ValueError as error:
                raise self.wrong("a date, as 2027-02-28") from error
        if not isinstance(said, date) or isinstance(said, datetime) or not 1970 <= said.year <= _LAST_YEAR:
            raise self.wrong("a date, as 2027-02-28")
        return said

    def moment(self) -> datetime:
        """A point in time (RFC 3339), as UTC; without an offset it is taken for UTC."""
        try:
            told = datetime.fromisoformat(self.text().replace("t", "T").replace("z", "Z"))
            return told.replace(tzinfo=told.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.wrong("a time, as 2027-02-28T12:00:00Z") from error

    def sha256(self) -> str:
        """A SHA-256 in lower-case hexadecimal, whatever its spelling."""
        found = _SHA256.fullmatch(self.text().strip())
        if not found:
            raise self.wrong("a SHA-256 of 64 hexadecimal digits")
        return found[1].lower()

    def sha256s(self) -> frozenset[str]:
        """One or several of them."""
        if isinstance(self.value, str):
            return frozenset({self.sha256()})
        found = frozenset(each.sha256() for each in self.rows())
        if not found:
            raise self.wrong("at least one SHA-256")
        return found

    def _place(self) -> str:
        path = visible(self.path, limit=200)
        return f"{visible(self.file, limit=200)}: {path}" if path else visible(self.file, limit=200)


def nearest(word: object, allowed: Collection[str]) -> str:
    """``; did you mean 'fail-on'?``, or nothing where no allowed word comes near."""
    if not isinstance(word, str):
        return ""
    folded = {each.casefold().replace("_", "-"): each for each in allowed}
    near = get_close_matches(word.casefold().replace("_", "-")[:_SHOWN], folded, 1, 0.5)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def toml(data: bytes, file: str) -> At:
    """The TOML document. Raises ConfigurationError."""
    import tomllib

    return _parsed(data, file, "TOML", tomllib.loads)


def json_of(data: bytes, file: str) -> At:
    """The JSON document, which says nothing twice. Raises ConfigurationError."""
    return _parsed(data, file, "JSON", _json)


def _parsed(data: bytes, file: str, language: str, parse: Callable[[str], object]) -> At:
    here = At(None, file)
    allowed = Limits().text_bytes
    if len(data) > allowed:
        raise here.error(f"has {len(data)} bytes, more than {allowed}")
    try:
        return At(parse(data.decode("utf-8-sig")), file)
    except RecursionError as error:
        raise here.error(f"is nested too deeply for {language}") from error
    except ValueError as error:
        raise here.error(f"is no {language}: {visible(str(error), limit=200)}") from error


def _json(text: str) -> object:
    # Of two equal keys one parser takes the first, another the last: what is agreed on is not what is read.
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key, _ in pairs if sum(other == key for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return made


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _told(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return repr(visible(str(value), limit=_SHOWN)) if isinstance(value, str) else str(value)[:_SHOWN]


def each_once(rows: Sequence[str]) -> tuple[str, ...]:
    """The texts in their order, none of them twice."""
    return tuple(dict.fromkeys(rows))


def lines_of(text: str) -> Iterator[tuple[int, str, str]]:
    """(line number, table header in force, the line) of a TOML text, as far as lines alone can tell."""
    header = ""
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$", line)
        if found:
            header = found[1]
        yield number, header, line
