"""Cargo.lock, formats 1 to 4: every crate with its source, its edges and its checksum.

Law: the Cargo book, "Cargo.toml vs Cargo.lock", and the encoder of cargo (``cargo::core::resolver::encode``).
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from sbom.record import mutable
from scanner.errors import Malformed
from scanner.manifests import locks, toml, urls
from scanner.model import Declaration, Origin, OriginKind, Reading

_CRATES_IO = re.compile(
    r"(?:registry\+https://github\.com/rust-lang/crates\.io-index|sparse\+https://index\.crates\.io)/?"
)
NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_EDGE = re.compile(r"(\S+)(?: (\S+))?(?: \(([^)]*)\))?")
_OLD = re.compile(r"checksum (\S+) (\S+) \(([^)]*)\)")
_KNOWN = frozenset({1, 2, 3, 4})


@mutable
class _Crate:
    name: str
    version: str
    source: str
    line: int
    table: toml.Table

    @property
    def own(self) -> bool:
        """Whether it lies in the tree: a member of the workspace, or beside it by path."""
        return not self.source


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each crate, at its table's line; those of the tree itself marked as own.

    A crate that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no TOML or no lock of Cargo's, LimitReached.
    """
    document, text, trouble = toml.load(data)
    tables = locks.tables_of(document, "package")
    version = document.get("version", 1)
    if not isinstance(document.get("package", []), list) or (
        not tables and "version" not in document and "root" not in document
    ):
        raise Malformed("cargo-lock", line=1, found="another format", wanted="[[package]] tables")
    lock = locks.Lock(where, remedy="Write the lock anew with `cargo generate-lockfile`.")
    if trouble:
        lock.bad(1, trouble)
    if version not in _KNOWN or isinstance(version, bool):
        lock.bad(locks.line_of_key(text, "version"), f"version {version}, which is not known here")
    crates = _crates(lock, tables, locks.lines_of(text, len(tables)))
    root = document.get("root")
    if isinstance(root, dict) and isinstance(root.get("name"), str):
        crates.append(_Crate(root["name"], str(root.get("version", "")), "", 1, root))
    yield from lock.drained()
    sums = _old_checksums(document.get("metadata"))
    by_name: dict[str, dict[str, _Crate]] = {}
    for crate in crates:
        by_name.setdefault(crate.name, {}).setdefault(crate.version, crate)
    edges = [_edges(lock, crate, by_name) for crate in crates]
    has_own = any(crate.own for crate in crates)
    speaks = [keys for crate, keys in zip(crates, edges, strict=True) if crate.own or not has_own]
    asked = {key for keys in speaks for key in keys}
    for crate, keys in zip(crates, edges, strict=True):
        yield Declaration(
            crate.name,
            where.at(line=crate.line),
            ecosystem="cargo",
            version=crate.version,
            hashes=_hashes(lock, crate, sums),
            origin=_origin(lock, crate),
            direct=(f"{crate.name}=={crate.version}" in asked) == has_own,
            locked=True,
            requires=keys,
            own=crate.own,
        )
        yield from lock.drained()
    yield from lock.drained()


def _crates(lock: locks.Lock, tables: list[object], lines: list[int]) -> list[_Crate]:
    found: list[_Crate] = []
    for table, line in zip(tables, lines, strict=True):
        name = table.get("name") if isinstance(table, dict) else None
        version = table.get("version") if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(name, str) or not NAME.fullmatch(name):
            lock.bad(line, "a [[package]] without a name")
        elif not isinstance(version, str) or not version:
            lock.bad(line, f"{name} has no version")
        else:
            source = table.get("source", "")
            found.append(_Crate(name, version, source if isinstance(source, str) else "", line, table))
    return found


def _old_checksums(metadata: object) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        told = _OLD.fullmatch(key)
        if told and isinstance(value, str):
            found[told[1], told[2]] = value
    return found


def _edges(lock: locks.Lock, crate: _Crate, by_name: dict[str, dict[str, _Crate]]) -> tuple[str, ...]:
    found: set[str] = set()
    for text in lock.names(crate.line, f"the dependencies of {crate.name}", crate.table.get("dependencies")):
        told = _EDGE.fullmatch(text)
        if not told:
            lock.bad(crate.line, f"a dependency of {crate.name}: {text}")
            continue
        versions = by_name.get(told[1], {})
        # A name alone stands only where the lock holds one version of it.
        one = versions.get(told[2]) if told[2] else next(iter(versions.values()), None)
        if one is None or (not told[2] and len(versions) > 1):
            lock.bad(crate.line, f"{crate.name} needs {text}, which is not in the lock")
        elif not one.own:
            found.add(f"{one.name}=={one.version}")
    return tuple(sorted(found))


def _hashes(lock: locks.Lock, crate: _Crate, sums: dict[tuple[str, str], str]) -> tuple[Digest, ...]:
    value = crate.table.get("checksum", sums.get((crate.name, crate.version)))
    if value is None or value == "<none>":
        return ()
    found = locks.digest_of(f"sha256:{value}") if isinstance(value, str) else None
    if found is None:
        lock.bad(crate.line, f"the checksum of {crate.name}: {value}")
    return (found,) if found is not None else ()


def _origin(lock: locks.Lock, crate: _Crate) -> Origin | None:
    source = crate.source
    if not source:
        return Origin(OriginKind.PATH)  # where it lies only the manifests say
    if _CRATES_IO.fullmatch(source):
        return None
    kind, plus, url = source.partition("+")
    if kind == "git" and plus:
        base, _, commit = url.partition("#")
        base, _, query = base.partition("?")
        asked = [pair.partition("=")[2] for pair in query.split("&") if "=" in pair]
        return locks.checkout(base, ref=asked[0] if asked else "", commit=commit)
    if kind in {"registry", "sparse", "local-registry", "directory"} and plus:
        clean, had = urls.without_credentials(url)
        return Origin(OriginKind.INDEX, clean, had_credentials=had)
    lock.bad(crate.line, f"the source of {crate.name} is of no kind known here: {source}")
    return None
