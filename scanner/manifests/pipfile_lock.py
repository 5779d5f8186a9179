"""Pipfile.lock: every release that pipenv installs, by its section.

Law: pipenv's documentation, "Pipfile & Pipfile.lock", and the locks that pipenv writes (pipfile-spec 6). The
lock has no edges.
"""

from collections.abc import Iterator

from sbom.model import Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import jsontext, locks, pep508
from scanner.manifests.pipfile_entry import INDEX_KEYS, Source, index_uses, marker_of, origin_of
from scanner.model import Declaration, Reading

_LIMITS = Limits()
_SPEC = 6


@mutable
class _File:
    lock: locks.Lock
    lines: dict[jsontext.Path, int]
    sources: list[Source] = field(default_factory=list)
    tells_direct: bool = False

    def line(self, *path: str | int) -> int | None:
        return jsontext.line_of(self.lines, path)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each entry, sections but ``default`` as groups.

    An entry that names its index was asked for by the project; where none does, all count as asked for. An
    entry that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file is
    no JSON or no lock of pipenv's, LimitReached past the nesting or the bytes of one manifest.
    """
    document, text, trouble = jsontext.load(data)
    meta = document.get("_meta") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(meta, dict):
        raise Malformed(
            "pipfile-lock", line=1, found="another format", wanted='"_meta" and sections of packages'
        )
    lock = locks.Lock(where)
    file = _File(lock, jsontext.lines_of(text, 2))
    if trouble:
        lock.bad(1, trouble)
    if meta.get("pipfile-spec", _SPEC) != _SPEC:
        lock.bad(
            file.line("_meta", "pipfile-spec"),
            f"pipfile-spec {meta.get('pipfile-spec')}, which is not known here; it is read as {_SPEC}",
        )
    _sources(file, meta.get("sources"))
    yield from lock.drained()
    sections = {name: value for name, value in document.items() if name != "_meta"}
    file.tells_direct = any(
        isinstance(entry, dict) and INDEX_KEYS & entry.keys()
        for value in sections.values()
        for entry in (value.values() if isinstance(value, dict) else ())
    )
    count = 0
    for section, entries in sections.items():
        if not isinstance(entries, dict):
            lock.bad(file.line(section), f"the section {section} is no object")
            continue
        count += len(entries)
        if count > _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations, found=count)
        for name, entry in entries.items():
            declaration = _declaration(file, section, name, entry)
            yield from lock.drained()
            if declaration is not None:
                yield declaration
    yield from lock.drained()


def _sources(file: _File, listed: object) -> None:
    line = file.line("_meta", "sources")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            file.sources.append(
                Source(
                    str(item.get("name", "")), str(item["url"]), verify=item.get("verify_ssl") is not False
                )
            )
        else:
            file.lock.bad(line, "a source without a URL")
    # What the lock states is what pipenv sync asks.
    file.lock.rows.extend(index_uses(file.sources, file.lock.where.at(line=line), search_all=False))


def _declaration(file: _File, section: str, name: str, entry: object) -> Declaration | None:
    line = file.line(section, name)
    if isinstance(entry, str):
        entry = {"version": entry}
    if not isinstance(entry, dict) or not pep508.name_at(name)[0]:
        file.lock.bad(line, f"the entry of {name}")
        return None
    written = entry.get("version", "")
    if not isinstance(written, str):
        file.lock.bad(line, f"the version of {name} is no string")
        written = ""
    elif not written and not {"git", "hg", "svn", "path", "file", "ref"} & entry.keys():
        file.lock.bad(line, f"{name} has neither a version nor a place: any release may be meant")
    specifier = "" if written == "*" else written
    marker, wrong = marker_of(entry)
    if wrong:
        file.lock.bad(line, f"the marker of {name}: {wrong}")
    return Declaration(
        name,
        file.lock.where.at(line=line),
        version=pep508.pinned(specifier),
        specifier=specifier,
        marker=marker,
        extras=tuple(sorted(set(file.lock.names(line, f"the extras of {name}", entry.get("extras"))))),
        group="" if section == "default" else "dev" if section == "develop" else locks.section(section),
        hashes=file.lock.digests(
            line, name, file.lock.names(line, f"the hashes of {name}", entry.get("hashes"))
        ),
        origin=origin_of(entry, file.sources),
        direct=not file.tells_direct or bool(INDEX_KEYS & entry.keys()),
        locked=True,
    )
