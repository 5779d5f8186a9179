"""Models and data sets of the tree: the files themselves, what lies beside them says, what is kept track of.

Pure. A file's own digest counts before any that a manifest states: whether the two agree is for the proofs
to say.
"""

import posixpath
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from sbom import purl
from sbom.model import Component, Digest, Fact, Kind, Location
from sbom.record import field, mutable
from scanner.model import Artifact, Described, Origin, OriginKind, Reading, Tracked
from scanner.patterns import pattern
from scanner.registry import with_name

Files = Mapping[str, Sequence[Reading]]

_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]+:")
# Their parts lie in folders of their own, and what is said at the top holds for all of them.
_ONE_OF_MANY = ("model_index.json", "modules.json")


@mutable
class Thing:
    """The same bytes under the same name, wherever in one project they lie; or what is said to lie there."""

    project: str
    name: str
    digests: tuple[Digest, ...] = ()
    kind: Kind = Kind.MODEL
    origin: str = ""
    facts: dict[Fact, None] = field(default_factory=dict)
    seen: dict[Location, None] = field(default_factory=dict)

    @property
    def purl(self) -> str:
        return purl.generic(self.name, checksum=self._checksum)

    @property
    def _checksum(self) -> str:
        """The digest of the bytes; one of a listing or of changed bytes (``md5.dir``) is none."""
        known = {digest.algorithm: digest.value for digest in self.digests}
        return next((f"{name}:{known[name]}" for name in ("sha256", "md5", "sha1") if name in known), "")

    @property
    def apart(self) -> str:
        """What tells it from its namesakes in the same project: nothing where the bytes are known."""
        return "" if self._checksum else str(min(self.seen, key=lambda where: where.order))

    def component(self, ref: str) -> Component:
        """The component under this ref."""
        return Component(
            ref=ref,
            name=self.name,
            kind=self.kind,
            purl=self.purl,
            project=self.project,
            digests=self.digests,
            facts=tuple(sorted(self.facts, key=repr)),
            origin=self.origin,
            seen=tuple(sorted(self.seen, key=lambda where: where.order)),
        )


def things(
    artifacts: Sequence[Artifact], files: Files, folders: frozenset[str], homes: Mapping[str, Sequence[str]]
) -> list[Thing]:
    """Every model of the tree and every tracked file, each with all that is said of it."""
    found = _models(artifacts, folders)
    by_path: dict[str, list[Thing]] = {}
    for one in found:
        for where in one.seen:
            by_path.setdefault(where.path, []).append(one)
    found += _tracked(files, folders, homes, by_path)
    found += _described(files, folders, by_path)
    return found


def _models(artifacts: Sequence[Artifact], folders: frozenset[str]) -> list[Thing]:
    found: dict[tuple[object, ...], Thing] = {}
    for artifact in sorted(artifacts, key=lambda one: (one.where.order, one.format)):
        where = artifact.where
        name = posixpath.basename((where.member or (where.path,))[-1]) or "model"
        digests = tuple(sorted(artifact.digests))
        project = nearest(where.path, folders)
        key = (project, name, digests, () if digests else where.order)
        if key not in found:
            facts = dict.fromkeys(fact for inspection in artifact.inspections for fact in inspection.facts)
            found[key] = Thing(project, name, digests, facts=facts)
        found[key].seen[Location(where.path, where.member)] = None
    return list(found.values())


def nearest(path: str, folders: frozenset[str]) -> str:
    """The project whose folder holds the file, the innermost of them."""
    folder = posixpath.dirname(path)
    while folder and folder not in folders:
        folder = posixpath.dirname(folder)
    return folder or "."


# --- what manifests keep track of --------------------------------------------------------------------------


def place(manifest: str, path: str) -> str:
    """The path from the root of what a manifest names; an address, or a path that leads out, as it is."""
    path = path.replace("\\", "/")
    if _SCHEME.match(path) or path.startswith("/"):
        return path
    return posixpath.normpath(posixpath.join(posixpath.dirname(manifest), path))


def _tracked(
    files: Files, folders: frozenset[str], homes: Mapping[str, Sequence[str]], known: dict[str, list[Thing]]
) -> list[Thing]:
    rows: dict[str, list[Tracked]] = {}
    for path, readings in files.items():
        for row in readings:
            if isinstance(row, Tracked):
                rows.setdefault(place(path, row.path), []).append(row)
    found: list[Thing] = []
    for path, group in rows.items():
        if path not in known:
            if all(row.joins for row in group):
                continue
            outside = path.startswith(("../", "/")) or _SCHEME.match(path)
            first = group[0].where.path
            project = homes.get(first, (".",))[0] if outside else nearest(path, folders)
            known[path] = [Thing(project, _name(path), kind=_kind(path, group))]
            found += known[path]
        for thing in known[path]:
            for row in group:
                thing.seen[row.where] = None
                if not row.joins:
                    thing.facts.update(dict.fromkeys(row.facts))
                thing.origin = thing.origin or _origin(row.origin)
            if thing in found:
                thing.digests = tuple(
                    sorted({*thing.digests, *(one for row in group for one in row.digests)})
                )
    return found


def _name(path: str) -> str:
    return posixpath.basename(path.partition("?")[0].rstrip("/")) or path


def _kind(path: str, rows: Sequence[Tracked]) -> Kind:
    told = {row.kind for row in rows} - {""}
    if told:
        return Kind.MODEL if "model" in told else Kind.DATA
    name = posixpath.basename(path).lower()
    return Kind.MODEL if any(row.model for row in with_name(name)) else Kind.DATA


def _origin(origin: Origin | None) -> str:
    if origin is None:
        return ""
    from scanner.manifests import urls  # a hook over model files has no addresses

    fixed = origin.commit or origin.ref
    clean = urls.masked(origin.url)
    return f"{clean}@{fixed}" if origin.kind is OriginKind.VCS and fixed else clean


# --- what is said of what lies beside ----------------------------------------------------------------------


def _described(files: Files, folders: frozenset[str], known: Mapping[str, list[Thing]]) -> list[Thing]:
    by_folder: dict[str, list[Thing]] = {}
    for path, group in known.items():
        folder = posixpath.dirname(path)
        by_folder.setdefault(folder, []).extend(one for one in group if one.kind is Kind.MODEL)
    nested = sorted(folder for folder in by_folder if by_folder[folder])
    found: list[Thing] = []
    for path, row in _rows(files):
        folder = posixpath.dirname(path)
        below = row.below or any(posixpath.join(folder, name) in files for name in _ONE_OF_MANY)
        targets = [
            one
            for at in ([folder, *_inside(folder, nested)] if below else [folder])
            for one in by_folder.get(at, ())
        ]
        if row.kind is not Kind.MODEL:
            targets = []
        if not targets and row.name and row.facts:
            targets = [Thing(nearest(path, folders), row.name, kind=row.kind)]
            targets[0].seen[row.where] = None
            found += targets
        for one in targets:
            one.facts.update(dict.fromkeys(row.facts))
    return found


def _inside(folder: str, nested: Sequence[str]) -> Sequence[str]:
    """The folders below one, of a sorted list."""
    if not folder:
        return [at for at in nested if at]
    first = bisect_left(nested, f"{folder}/")
    return nested[first : bisect_left(nested, f"{folder}0", first)]  # 0 follows the slash


def _rows(files: Files) -> Iterator[tuple[str, Described]]:
    for path, readings in files.items():
        for row in readings:
            if isinstance(row, Described):
                yield path, row
