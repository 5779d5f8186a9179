"""One OSV record, read defensively: a frozen value or Malformed, never a surprise further on.

Law: the OSV schema, 1.7. What the schema leaves free (``database_specific``) is read where it has the shape
that the large databases give it, and ignored where it has not.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache as once
from typing import TypeVar

from sbom.record import record
from scanner import versions
from scanner.errors import Malformed

_T = TypeVar("_T")

EVENTS = ("introduced", "fixed", "last_affected", "limit")
_EVENTS = frozenset(EVENTS)
RANGES = frozenset({"ECOSYSTEM", "SEMVER", "GIT"})

# More than any real record by far; a crafted one must not buy more work than its bytes cost.
_MAX_AFFECTED = 10_000
_MAX_VERSIONS = 1_000_000
_MAX_NAME = 512

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.]+(?:[Zz]|[+-][0-9:]+)?)?"

# Records of malware that carry neither a MAL- alias nor CWE-506, as the PyPA's own often do. Each pattern
# is a statement about the package itself; "a tool that finds malicious packages" must not match. Those of
# the second kind are looser: what they find is indicated, not confirmed.
#
# Most records speak of malicious users or compromised keys: the words that a pattern cannot do without are
# looked for first, which halves the time of reading a record.
_OF_STATED = ("malicious p", "malicious r", "malicious v", "malicious c", "compromised ", "backdoor")
_OF_WORDED = (
    *(f"{bad} {what}" for bad in ("malicious", "compromised") for what in ("version", "release", "code")),
    "backdoor",
    "malware",
)
_STATED = r"""\A\W*(?:malicious|compromised)\ (?:package|release|version|code\ (?:in|was))
    | \b(?:included|includes|contain(?:ed|s)?|discovered\ to\ contain)
      \ a\ (?:potential\ )?code[- ]execution\ backdoor
    | \ba\ new\ malicious\ (?:release|version)\ (?:was\ )?(?:made|published|uploaded)
    | \bbackdoor\ inserted\ by\ a\ third\ party"""
_WORDED = r"""\b(?:malicious|compromised|backdoored)\ (?:versions?|releases?)\b
      [^.]{0,80}\b(?:published|uploaded|pushed|released)
    | \b(?:published|uploaded|pushed|released)\b
      [^.]{0,60}\b(?:malicious|compromised|backdoored)\ (?:versions?|releases?)
    | \b(?:versions?|releases?)\b[^.]{0,160}\bcontain(?:ing|ed|s)?\b
      [^.]{0,80}\b(?:malware|malicious\ code|backdoor)\b
    | \bembedded\ malicious\ code\b"""
_MALWARE_CWE = 506


@record
class Range:
    """Events in the order of the record: pairs of ``introduced``, ``fixed`` … and a version or commit."""

    type: str
    events: tuple[tuple[str, str], ...]


@record
class Affected:
    """One package of a record: ``ecosystem`` in our word, ``name`` normalised, ``severity`` its vectors."""

    ecosystem: str
    name: str
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()


@record
class Record:
    """One advisory. ``severity``: pairs of type and vector; ``label``: a word such as ``HIGH``.

    ``malice`` is empty for an ordinary vulnerability; ``confirmed`` where the record says by its marks or by
    a plain statement that the release itself is malware, ``indicated`` where its wording suggests it.
    """

    id: str
    modified: str
    published: str = ""
    withdrawn: str = ""
    aliases: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    summary: str = ""
    details: str = ""
    severity: tuple[tuple[str, str], ...] = ()
    affected: tuple[Affected, ...] = ()
    references: tuple[tuple[str, str], ...] = ()
    cwes: tuple[int, ...] = ()
    label: str = ""
    malice: str = ""

    @property
    def headline(self) -> str:
        """Its summary, or the first sentence of its details."""
        text = (self.summary.strip() or self.details.lstrip())[:500].rstrip()
        line = " ".join(text.partition("\n\n")[0].split())
        sentence, end, _ = line.partition(". ")
        return sentence + end.rstrip()


def parse(raw: object) -> Record:
    """The record that a JSON (or YAML) document holds. Raises Malformed naming the field."""
    fields = _mapping(raw, "record")
    identity = _text(fields, "id").strip()
    if not _is_name(identity):
        raise Malformed("id", found=len(identity), wanted="1 to 512 printable characters")
    affected = tuple(_each_affected(fields))
    aliases, upstream = _names(fields, "aliases"), _names(fields, "upstream")
    summary, details = _text(fields, "summary"), _text(fields, "details")
    specific = fields.get("database_specific")
    specific = specific if isinstance(specific, Mapping) else {}
    cwes = _cwes(specific) if specific else ()
    return Record(
        id=identity,
        modified=_date(fields, "modified", wanted=True),
        published=_date(fields, "published"),
        withdrawn=_date(fields, "withdrawn"),
        aliases=aliases,
        upstream=upstream,
        summary=summary,
        details=details,
        severity=_severity(fields),
        affected=affected,
        references=_references(fields),
        cwes=cwes,
        label=_label(specific) if specific else "",
        malice=_malice((identity, *aliases), cwes, specific, (summary, details)),
    )


@once
def _pattern(text: str) -> re.Pattern[str]:
    # Compiled only where records are imported: a look-up reads none.
    return re.compile(text, re.VERBOSE | re.IGNORECASE)


def _malice(
    names: tuple[str, ...], cwes: tuple[int, ...], specific: Mapping[str, object], texts: tuple[str, str]
) -> str:
    if "malicious-packages-origins" in specific or _MALWARE_CWE in cwes:
        return "confirmed"
    for name in names:
        if name.startswith("MAL-"):
            return "confirmed"
    found = ""
    for text in texts:
        lower = text.lower()
        if not ("malicious" in lower or "backdoor" in lower or "compromised" in lower or "malware" in lower):
            continue
        if any(word in lower for word in _OF_STATED) and _pattern(_STATED).search(text):
            return "confirmed"
        if any(word in lower for word in _OF_WORDED) and _pattern(_WORDED).search(text):
            found = "indicated"
    return found


def _each_affected(fields: Mapping[str, object]) -> Iterator[Affected]:
    work = 0
    rows = _mappings(fields, "affected")
    if len(rows) > _MAX_AFFECTED:
        raise Malformed("affected", found=len(rows), wanted=f"at most {_MAX_AFFECTED} packages")
    for row in rows:
        if row.get("package") is None:
            continue  # a record about commits of a repository alone
        package = _mapping(row["package"], "affected.package")
        ecosystem = versions.ecosystem(_text(package, "ecosystem"))
        name = versions.name(ecosystem, _text(package, "name"))
        if not _is_name(ecosystem) or not _is_name(name):
            raise Malformed("affected.package", found="no name", wanted="an ecosystem and a name")
        listed = _texts(row, "versions")
        ranges = tuple(_range(item) for item in _mappings(row, "ranges"))
        work += len(listed) + sum(len(item.events) for item in ranges)
        if work > _MAX_VERSIONS:
            raise Malformed("affected.versions", found=work, wanted=f"at most {_MAX_VERSIONS}")
        yield Affected(ecosystem, name, ranges, listed, _severity(row))


def _range(item: Mapping[str, object]) -> Range:
    kind = _text(item, "type")
    if kind not in RANGES:
        raise Malformed("affected.ranges.type", found=kind[:40], wanted="ECOSYSTEM, SEMVER or GIT")
    events: list[tuple[str, str]] = []
    for event in _mappings(item, "events"):
        if len(event) == 1:  # as the schema has it, and all but the oldest records
            [(name, value)] = event.items()
            if name in _EVENTS and isinstance(value, str) and value.strip():
                events.append((name, value.strip()))
                continue
        known = [(name, value) for name, value in event.items() if name in _EVENTS and value is not None]
        if not known:
            raise Malformed("affected.ranges.events", found="an empty event", wanted=" or ".join(EVENTS))
        if len(known) > 1:  # older records put a whole span into one event
            known.sort(key=lambda pair: EVENTS.index(pair[0]))
        for name, value in known:
            text = _string(value, name).strip()
            if not text:
                raise Malformed("affected.ranges.events", found=f"{name} nothing", wanted="a version")
            events.append((name, text))
    return Range(kind, tuple(events))


def _severity(fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    return tuple((_text(item, "type"), _text(item, "score")) for item in _mappings(fields, "severity"))


def _references(fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    rows = _mappings(fields, "references")
    pairs = [(row.get("type"), row.get("url")) for row in rows]
    # Half of all the strings of a database are here: one look at the types of all, as for versions.
    if {type(each) for pair in pairs for each in pair} <= {str}:
        return tuple(pairs)  # type: ignore[arg-type]  # the line above has looked
    return tuple((_text(row, "type"), _text(row, "url")) for row in rows)


def _cwes(specific: Mapping[str, object]) -> tuple[int, ...]:
    found: set[int] = set()
    for key in ("cwe_ids", "cwes", "cwe"):
        rows = specific.get(key)
        for row in rows if isinstance(rows, list) else ():
            text = row.get("cweId") if isinstance(row, Mapping) else row
            if isinstance(text, str) and (number := re.fullmatch(r"CWE-([0-9]{1,5})", text)):
                found.add(int(number[1]))
    return tuple(sorted(found))


def _label(specific: Mapping[str, object]) -> str:
    label = specific.get("severity")
    return label.upper() if isinstance(label, str) and len(label) < 20 else ""


# --- one field, its type checked --------------------------------------------------------------------------


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Malformed(name, found=type(value).__name__, wanted="an object")
    return value


def _listed(value: object, name: str, read: Callable[[object, str], _T]) -> list[_T]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(name, found=type(value).__name__, wanted="an array")
    return [read(item, name) for item in value]


def _mappings(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = fields.get(name)
    if isinstance(value, list) and set(map(type, value)) <= {dict}:
        return value
    return _listed(value, name, _mapping)


def _string(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise Malformed(name, found=type(value).__name__, wanted="a string")
    return value


def _texts(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    # Nearly all the strings of a database are in such lists: their types are looked at in one sweep.
    if isinstance(value, list) and set(map(type, value)) <= {str}:
        return tuple(value)
    return tuple(_listed(value, name, _string))


def _is_name(text: str) -> bool:
    # Half a surrogate pair is not printable either: no database would store it as text.
    return 0 < len(text) <= _MAX_NAME and text.isprintable()


def _names(fields: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = _texts(fields, name)
    if not found:
        return ()
    found = tuple(text.strip() for text in found if text.strip())
    if not all(map(_is_name, found)):
        raise Malformed(name, found="an id that cannot be one", wanted="1 to 512 printable characters")
    return found


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, str):
        return value
    return "" if value is None else _string(value, name)


def _date(fields: Mapping[str, object], name: str, *, wanted: bool = False) -> str:
    text = _text(fields, name).strip()
    # YAML read without types leaves its null as a word.
    if text in {"", "null", "~"} and not wanted:
        return ""
    if not _pattern(_DATE).fullmatch(text):
        raise Malformed(name, found=text[:40], wanted="a date and time")
    return text


def identities(record: Record) -> Iterable[str]:
    """Every name that the record goes by: its own, its aliases, and what it derives from."""
    return (record.id, *record.aliases, *record.upstream)
