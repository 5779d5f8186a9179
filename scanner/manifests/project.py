"""A pyproject.toml at hand: values by their path, lines, findings, requirements with their sources."""

from collections.abc import Callable, Iterable, Iterator
from typing import Self

from sbom.model import Location
from sbom.purl import normalise_name
from sbom.record import field, mutable, replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import pep508, toml, urls
from scanner.manifests.requirements import declared
from scanner.model import Declaration, Evidence, Origin, OriginKind, Reading
from scanner.text import visible

_LIMITS = Limits()
BUILD_GROUP = "build-system"
_KINDS = {
    dict: "a table",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


@mutable
class ProjectFile:
    """The document with its lines, and what is waiting to be yielded."""

    where: Location
    document: toml.Table
    lines: dict[toml.Path, int]
    rows: list[Reading] = field(default_factory=list)
    indexes: dict[str, str] = field(default_factory=dict)  # index name -> URL, of [[tool.uv.index]]
    findings: int = 0
    sources: dict[str, list[Origin]] = field(default_factory=dict)  # normalised name -> origins

    @classmethod
    def opened(cls, data: bytes, where: Location) -> Self:
        """The file's document. Raises Malformed where it is no TOML, LimitReached."""
        if len(data) > _LIMITS.project_bytes:
            raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
        document, text, trouble = toml.load(data)
        file = cls(where, document, toml.lines_of(text))
        if trouble:
            file.bad((), trouble)
        return file

    def read_by(self, steps: Iterable[Callable[[Self], None]]) -> Iterator[Reading]:
        """What each step finds, also that which it found before it reached a limit."""
        for step in steps:
            limit = None
            try:
                step(self)
            except LimitReached as error:
                limit = error
            yield from self.rows
            self.rows.clear()
            if limit is not None:
                raise limit

    def at(self, path: toml.Path) -> Location:
        return self.where.at(line=toml.line_of(self.lines, path))

    def bad(self, path: toml.Path, why: str) -> None:
        """Records a place that could not be read."""
        self.findings += 1
        if self.findings > _LIMITS.evidence_rows:
            raise LimitReached("evidence_rows", allowed=_LIMITS.evidence_rows)
        place = ".".join(str(part) for part in path)
        message = f"{visible(urls.masked(place), limit=120)} is not read: {why}"
        remedy = "Correct it; what it asks for is in no list and was checked against nothing."
        self.rows.append(
            Evidence("COV-005", self.at(path), message, f"{self.where.path}: {place}", remedy=remedy)
        )

    def get(self, path: toml.Path) -> object:
        """The value at ``path``, or None."""
        value: object = self.document
        for key in path:
            if not isinstance(value, dict) or key not in value:
                return None
            value = value[key]
        return value

    def table(self, path: toml.Path) -> toml.Table:
        """The table at ``path``; empty where it is missing, with a finding where it is something else."""
        value = self.get(path)
        if value is None or isinstance(value, dict):
            return value or {}
        self.bad(path, f"it is {kind_of(value)}, not a table")
        return {}

    def items(self, path: toml.Path) -> list[tuple[toml.Path, object]]:
        """The items of the array at ``path``, each with its own path; empty where it is missing."""
        value = self.get(path)
        if value is None:
            return []
        if not isinstance(value, list):
            self.bad(path, f"it is {kind_of(value)}, not an array")
            return []
        return [((*path, index), item) for index, item in enumerate(value)]

    def texts(self, path: toml.Path) -> list[tuple[toml.Path, str]]:
        """The strings of the array at ``path``; a finding for each item that is none."""
        found = []
        for place, item in self.items(path):
            if isinstance(item, str):
                found.append((place, item))
            else:
                self.bad(place, f"it is {kind_of(item)}, not a string")
        return found


def kind_of(value: object) -> str:
    return _KINDS.get(type(value), "a date or a time")


def require(file: ProjectFile, path: toml.Path, text: str, group: str, *, constraint: bool = False) -> None:
    try:
        found = pep508.parse(text)
    except pep508.InvalidRequirement as error:
        shown = visible(urls.masked(text), limit=160)
        file.bad(path, f"{shown} is no requirement ({error})")
        return
    declaration = declared(found, file.at(path), group=group)
    if constraint:
        declaration = replace(declaration, constraint=True)
    origins = file.sources.get(normalise_name(declaration.name), [])
    if declaration.origin is not None or not origins or group == BUILD_GROUP:
        file.rows.append(declaration)
    else:
        # One source for each marker: the name may come from any of them.
        file.rows.extend(_from(declaration, origin) for origin in origins)


def _from(declaration: Declaration, origin: Origin) -> Declaration:
    told, version, _ = urls.named_by(origin.url) if origin.kind is OriginKind.URL else ("", "", ())
    exact = version if told else declaration.version
    return replace(declaration, origin=origin, version=exact)
