"""Pipfile: what pipenv is asked to install, by category, and where from.

Law: pipenv's documentation, "Pipfile & Pipfile.lock" and "Specifying package indexes".
"""

from collections.abc import Iterator

from sbom.model import Location
from sbom.record import field, mutable, replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import locks, pep508, toml
from scanner.manifests.pipfile_entry import Source, index_uses, marker_of, origin_of
from scanner.model import Declaration, InstallMode, Reading

_LIMITS = Limits()
_NOT_PACKAGES = frozenset({"source", "requires", "scripts", "pipenv", "pipfile"})
_PLACES = frozenset({"git", "hg", "svn", "bzr", "path", "file"})


@mutable
class _File:
    lock: locks.Lock
    lines: dict[toml.Path, int]
    sources: list[Source] = field(default_factory=list)

    def line(self, *path: str | int) -> int | None:
        return toml.line_of(self.lines, path)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a Pipfile asks for; ``[dev-packages]`` and custom categories are groups.

    An entry that cannot be read is COV-005 at its line; the rest is read. Raises Malformed where the file is
    no TOML, LimitReached past the nesting or the bytes of one manifest.
    """
    if len(data) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
    document, text, trouble = toml.load(data)
    lock = locks.Lock(
        where, remedy="Correct it; what it asks for is in no list and was checked against nothing."
    )
    file = _File(lock, toml.lines_of(text))
    if trouble:
        lock.bad(1, trouble)
    _sources(file, document)
    yield from lock.drained()
    for category, entries in document.items():
        if category in _NOT_PACKAGES:
            continue
        if not isinstance(entries, dict):
            lock.bad(file.line(category), f"{category} is no table of packages")
            continue
        for name, entry in entries.items():
            declaration = _declaration(file, category, name, entry)
            yield from lock.drained()
            if declaration is not None:
                yield declaration
    yield from lock.drained()


def _sources(file: _File, document: toml.Table) -> None:
    listed = document.get("source", [])
    settings = document.get("pipenv")
    settings = settings if isinstance(settings, dict) else {}
    places = []
    for number, item in enumerate(listed if isinstance(listed, list) else [listed]):
        line = file.line("source", number, "url")
        if not isinstance(item, dict) or not isinstance(item.get("url"), str):
            file.lock.bad(line, "a source without a URL")
            continue
        verify = item.get("verify_ssl") is not False
        file.sources.append(Source(str(item.get("name", "")), str(item["url"]), verify=verify))
        places.append(file.lock.where.at(line=line))
    search_all = settings.get("install_search_all_sources") is True
    uses = index_uses(file.sources, file.lock.where, search_all=search_all)
    file.lock.rows.extend(replace(use, where=place) for use, place in zip(uses, places, strict=True))
    if settings.get("allow_prereleases") is True:
        where = file.lock.where.at(line=file.line("pipenv", "allow_prereleases"))
        file.lock.rows.append(InstallMode(where, pre=True))


def _declaration(file: _File, category: str, name: str, entry: object) -> Declaration | None:
    line = file.line(category, name)
    if isinstance(entry, str):
        entry = {"version": entry}
    if not isinstance(entry, dict) or pep508.name_at(name)[0] != name:
        file.lock.bad(line, f"the entry of {name} is neither a version nor a table")
        return None
    written = entry.get("version", "*")
    specifier = _specifier(file, line, name, written)
    if specifier is None:
        # The name is known all the same: any of its releases may be meant.
        specifier = ""
    marker, wrong = marker_of(entry)
    if wrong:
        file.lock.bad(line, f"the marker of {name}: {wrong}")
    origin = origin_of(entry, file.sources)
    placed = bool(_PLACES & entry.keys())
    return Declaration(
        name,
        file.lock.where.at(line=line),
        version="" if placed else pep508.pinned(specifier),
        specifier="" if placed else specifier,
        marker=marker,
        extras=tuple(sorted(set(file.lock.names(line, f"the extras of {name}", entry.get("extras"))))),
        group=_group(category),
        origin=origin,
        keyed=True,
    )


def _specifier(file: _File, line: int | None, name: str, written: object) -> str | None:
    """The version part, None with a finding where it is none."""
    if not isinstance(written, str):
        file.lock.bad(line, f"the version of {name} is no string")
        return None
    text = written.strip()
    if text in {"", "*"}:
        return ""
    try:
        return pep508.parse(f"{name} {text if text[0] in '=<>!~' else '==' + text}").specifier
    except pep508.InvalidRequirement as error:
        file.lock.bad(line, f"the version of {name}, {text} ({error}): any release may be meant")
        return None


def _group(category: str) -> str:
    if category == "packages":
        return ""
    return "dev" if category == "dev-packages" else locks.section(category.removesuffix("-packages"))
