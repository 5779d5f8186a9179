"""What readers of lock files share: findings, hashes, lines of tables, and who brings whom in."""

import re
from collections.abc import Iterable, Iterator, Sequence

from sbom.model import Digest, Location
from sbom.purl import normalise_name
from sbom.record import field, mutable
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import toml, urls
from scanner.model import Evidence, Origin, OriginKind, Reading
from scanner.patterns import pattern
from scanner.text import visible

_LIMITS = Limits()
PYPI = frozenset({"https://pypi.org/simple", "https://pypi.python.org/simple", "https://pypi.org"})
_HEX = pattern(r"[0-9a-f]+", re.ASCII | re.IGNORECASE)
_SECTIONS = {"main": "", "default": "", "dev": "dev"}


@mutable
class Lock:
    """A lock at hand: its place, and the readings that wait to be yielded."""

    where: Location
    rows: list[Reading] = field(default_factory=list)
    findings: int = 0
    remedy: str = "Lock again with the tool that wrote the file; this part was checked against nothing."

    def bad(self, line: int | None, what: str) -> None:
        """Records a part that could not be read. Raises LimitReached past the findings of one file."""
        self.findings += 1
        if self.findings > _LIMITS.evidence_rows:
            raise LimitReached("evidence_rows", allowed=_LIMITS.evidence_rows)
        shown = visible(urls.masked(what), limit=200)
        self.rows.append(
            Evidence(
                "COV-005",
                self.where.at(line=line),
                f"Not read: {shown}",
                f"{self.where.path}: {shown}",
                remedy=self.remedy,
            )
        )

    def drained(self) -> Iterator[Reading]:
        """Yields what waits and forgets it."""
        rows, self.rows = self.rows, []
        yield from rows

    def digest(self, line: int | None, name: str, text: object) -> Digest | None:
        """The digest of ``algorithm:hex``, or None with a finding."""
        found = digest_of(text)
        if found is None:
            self.bad(line, f"a hash of {name}: {text}")
        return found

    def digests(self, line: int | None, name: str, texts: Iterable[object]) -> tuple[Digest, ...]:
        """The digests of these texts, sorted, each once."""
        found = (self.digest(line, name, text) for text in texts)
        return tuple(sorted({digest for digest in found if digest is not None}))

    def names(self, line: int | None, what: str, value: object) -> list[str]:
        """The strings of an array; a finding for each item that is none."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.bad(line, f"{what} is no array")
            return []
        found = []
        for item in value:
            if isinstance(item, str):
                found.append(item)
            else:
                self.bad(line, f"an item of {what} is no string")
        return found


def digest_of(text: object) -> Digest | None:
    """The digest that ``algorithm:hex`` states, or None where it states none."""
    algorithm, colon, value = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not colon or urls.HASH_DIGITS.get(algorithm.lower()) != len(value) or not _HEX.fullmatch(value):
        return None
    return Digest(algorithm.lower(), value.lower())


@mutable
class Package:
    """One table of a lock that lists packages, its parts checked for their types."""

    name: str
    version: str
    table: toml.Table
    line: int
    key: str  # the name, normalised
    requires: tuple[str, ...] = ()
    files: list[tuple[str, object]] = field(default_factory=list)  # file name or URL, hash


def packages_of(lock: Lock, document: toml.Table, text: str, key: str = "package") -> list[Package]:
    """The tables of the array ``key`` that have a name; a finding for each that has none.

    Raises LimitReached past the declarations of one file.
    """
    tables = tables_of(document, key)
    found = []
    for line, table in zip(lines_of(text, len(tables), key), tables, strict=True):
        name = table.get("name") if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(name, str) or not name:
            lock.bad(line, f"a [[{key}]] without a name")
            continue
        version = table.get("version", "")
        if not isinstance(version, str):
            lock.bad(line, f"the version of {name} is no string")
            version = ""
        found.append(Package(name, version, table, line, normalise_name(name)))
    return found


def tables_of(document: toml.Table, key: str) -> list[object]:
    """The items of the array of tables ``key``. Raises LimitReached past the declarations of one file."""
    tables = document.get(key)
    rows = tables if isinstance(tables, list) else []
    if len(rows) > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=len(rows))
    return rows


def lines_of(text: str, count: int, key: str = "package") -> list[int]:
    """The line of each ``[[key]]`` header."""
    header_of = re.compile(rf"^[ \t]*\[\[[ \t]*(?:{key}|\"{key}\"|'{key}')[ \t]*\]\]", re.MULTILINE)
    found, line, last = [], 1, 0
    for header in header_of.finditer(text):
        line += text.count("\n", last, header.start())
        last = header.start()
        found.append(line)
    if len(found) == count:
        return found
    if len(text) > 4 * _LIMITS.project_bytes:
        return [1] * count  # the slow way below would cost more memory than the lock is worth
    # A header quoted in a string, or packages written as an inline array: the slow way is right.
    lines = toml.lines_of(text)
    return [toml.line_of(lines, (key, index)) or 1 for index in range(count)]


def line_of_key(text: str, key: str) -> int:
    """The first line that sets ``key``; 1 where none does."""
    found = re.search(rf"^[ \t]*{re.escape(key)}[ \t]*=", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def section(name: str) -> str:
    """The group that a lock's section stands for: none for what is always installed."""
    return _SECTIONS.get(name, normalise_name(name))


def first_group(names: Iterable[str]) -> str:
    """The one group to speak for several: none where one of them is always installed."""
    found = sorted({section(name) for name in names})
    return found[0] if found else ""


def wanted_by_none(packages: Sequence[Package]) -> set[int]:
    """The places of the packages that no other package of the lock asks for.

    A lock that does not say what the project itself asks for leaves only this: the manifest beside it tells
    the rest.
    """
    asked = {
        wish.partition("==")[0]
        for package in packages
        for wish in package.requires
        if wish.partition("==")[0] != package.key
    }
    return {index for index, package in enumerate(packages) if package.key not in asked}


def index_at(url: str) -> Origin | None:
    """The origin of a package that an index serves: None for the ecosystem's own."""
    if url.rstrip("/") in PYPI:
        return None
    clean, had = urls.without_credentials(url)
    return Origin(OriginKind.INDEX, clean, had_credentials=had)


def checkout(
    url: str, *, ref: str = "", commit: str = "", editable: bool = False, kind: str = "git"
) -> Origin:
    """The origin of a checkout: ``commit`` only where it is a whole one, else it is a ref like any other."""
    clean, had = urls.without_credentials(url.partition("#")[0])
    fixed = urls.commit_of(commit) or (commit if kind == "svn" and commit.isdigit() else "")
    where = clean if re.match(r"(?:git|hg|svn|bzr)\+", clean, re.IGNORECASE) else f"{kind}+{clean}"
    return Origin(
        OriginKind.VCS,
        where,
        ref="" if fixed else commit or ref,
        commit=fixed,
        editable=editable,
        had_credentials=had,
    )


def archive(url: str) -> Origin:
    """The origin of one file, at a URL or at a path."""
    return urls.origin_of(url)


def folder(path: str, *, editable: bool = False) -> Origin:
    """The origin of what lies beside the lock."""
    return Origin(OriginKind.PATH, path, editable=editable)


def own_folder(origin: Origin | None) -> bool:
    """Whether the origin is the folder of the lock itself: the project's own entry."""
    return origin is not None and origin.kind is OriginKind.PATH and origin.url in {".", "./", ""}
