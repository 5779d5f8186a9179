"""The merge: what every manifest declares becomes one list of components, each with all its places.

Pure. The result is the same in whatever order the manifests come. The steps of one project stand in
``scanner.merge``.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from sbom import purl
from sbom.model import Inventory, Project, Relation
from sbom.record import field, mutable
from scanner.described import Thing, nearest, things
from scanner.knots import knots
from scanner.merge import Item, Merge, Wanted
from scanner.model import (
    Artifact,
    CoolDown,
    Declaration,
    Evidence,
    Include,
    IndexUse,
    InstallMode,
    OriginKind,
    ProjectName,
    Reading,
    Stock,
)
from scanner.registry import manifests_of
from scanner.text import visible

__all__ = ["Stock", "resolve_include", "take_stock"]

Files = Mapping[str, Sequence[Reading]]

_MAX_PARTS = 16  # folders of a path that a command names
_MAX_HOMES = 64  # projects that one shared requirements file is counted in
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_REQUIREMENT_FOLDERS = frozenset({"requirements", "reqs", "constraints"})
# What is installed belongs to the environment that it is installed in.
_INSTALLED = re.compile(
    r"(?P<prefix>(?:.*?/)??)(?:(?:(?:usr/)?(?:local/)?lib(?:32|64)?/(?:python|pypy)[0-9.]*t?|lib)/)?"
    r"(?:(?:site|dist)-packages/)?"
    r"(?:[^/]+\.(?:dist-info|egg-info)/(?:metadata|pkg-info)|[^/]+\.egg-info|[^/]+\.egg/egg-info/pkg-info"
    r"|conda-meta/[^/]+\.json)",
    re.IGNORECASE,
)
_FOLDER_MANIFESTS = frozenset(  # these make their folder a project
    {
        "pyproject.toml",
        "uv.lock",
        "pixi.toml",
        "pixi.lock",
        "conda-lock.yml",
        "poetry.lock",
        "pdm.lock",
        "pipfile",
        "pipfile.lock",
        "pylock.toml",
        "setup.py",
        "setup.cfg",
    }
)


def resolve_include(from_path: str, include: Include | str) -> str | None:
    """The path that an include of the file at ``from_path`` names; None where it leads out of the root."""
    target = include if isinstance(include, str) else include.path
    target = target.replace("\\", "/")
    if not target or "\0" in target or _SCHEME.match(target) or target.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(from_path), target))
    return None if path in {".", ".."} or path.startswith("../") else path


def resolve_named(from_path: str, include: Include, is_there: Callable[[str], bool]) -> str | None:
    """The file of the tree that a command's include most likely means; None where no file does.

    Where the command runs is not written down: its own folder and those above it are tried, and of a path
    inside an image (``/app/requirements.txt``, ``/tmp/x/requirements.txt``) ever shorter ends.
    """
    target = posixpath.normpath(include.path.replace("\\", "/")).lstrip("/")
    while target.startswith("../"):
        target = target[3:]
    parts = target.split("/")[:_MAX_PARTS]
    if "\0" in target or _SCHEME.match(target) or target in {"", ".", ".."}:
        return None
    for skipped in range(len(parts)):
        folder = posixpath.dirname(from_path)
        for _ in range(_MAX_PARTS):
            path = posixpath.join(folder, *parts[skipped:])
            if is_there(path):
                return path
            if not folder:
                break
            folder = posixpath.dirname(folder)
    return None


def take_stock(readings: Files, artifacts: Sequence[Artifact] = ()) -> Stock:
    """Everything that the manifests (by path) declare, and the model files, as one stock.

    ``artifacts`` are the model files alone: the caller knows which formats are models.
    """
    files = {path: tuple(readings[path]) for path in sorted(readings)}
    layout = _layout(files)
    folders = layout.folders | {_home(path) for path in files if not _is_around(path)}
    wanted = _by_project(files, layout)
    merges = [
        Merge(path, wanted[path], folders, frozenset(layout.names.get(path, ()))) for path in sorted(wanted)
    ]
    items = [item for merge in merges for item in merge.items.values()]
    models = things(artifacts, files, layout.folders, layout.homes)
    refs = _refs([*items, *models])
    components = [item.component(refs[id(item)]) for item in items]
    components += [model.component(refs[id(model)]) for model in models]
    named = [(refs[id(item)], item) for item in items]
    edges = {(refs[id(one)], refs[id(other)]) for merge in merges for one, other in merge.edges()}
    evidence = {*_circles(files, layout), *(row for merge in merges for row in merge.evidence)}
    return Stock(
        inventory=Inventory(
            components=tuple(sorted(components, key=lambda component: component.ref)),
            relations=tuple(Relation(one, other) for one, other in sorted(edges) if one != other),
            projects=_named_projects(files, layout),
            complete=tuple(merge.project for merge in merges if merge.is_complete()),
        ),
        declarations={ref: item.lines() for ref, item in sorted(named, key=lambda pair: pair[0])},
        indexes=tuple(sorted({row for row in _rows(files) if isinstance(row, IndexUse)}, key=_place)),
        cooldowns=tuple(sorted({row for row in _rows(files) if isinstance(row, CoolDown)}, key=_place)),
        modes=tuple(sorted({row for row in _rows(files) if isinstance(row, InstallMode)}, key=_place)),
        evidence=tuple(sorted(evidence, key=lambda row: (row.where.order, row.rule, row.message))),
        projects=layout.homes,
    )


def _rows(files: Files) -> Iterator[Reading]:
    for rows in files.values():
        yield from rows


def _place(row: Reading) -> tuple[object, str]:
    return (row.where.order, repr(row))


# --- which manifest belongs to which project --------------------------------------------------------------


@mutable
class _Layout:
    """``homes``: the projects of each manifest; ``constraints``: manifests that only constrain.

    ``names``: what the projects that stand in a folder, or are resolved with it, call themselves;
    ``circles``: a number that only manifests which include each other share.
    """

    homes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constraints: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    circles: dict[str, int] = field(default_factory=dict)

    @property
    def folders(self) -> frozenset[str]:
        return frozenset(home for homes in self.homes.values() for home in homes)


def _layout(files: Files) -> _Layout:
    includers: dict[str, set[str]] = {path: set() for path in files}
    required: set[str] = set()
    bound: set[str] = set()
    for path, rows in files.items():
        for row in rows:
            if isinstance(row, Include) and row.by_command:
                meant = resolve_named(path, row, files.__contains__)
                if meant is not None:
                    (bound if row.constraint else required).add(meant)
                continue
            target = resolve_include(path, row) if isinstance(row, Include) else None
            if isinstance(row, Include) and target is not None and target in includers and target != path:
                includers[target].add(path)
                if not row.constraint:
                    required.add(target)
    layout = _Layout()
    members = _workspace_members(files)
    parts = knots(includers)
    roots = _roots(parts, includers)
    settled = frozenset(_home(path) for path in files if not _is_around(path))
    layout.circles = {path: number for number, part in enumerate(parts) for path in part}
    for path in files:
        homes = {nearest(root, settled) if _is_around(root) else _home(root) for root in roots[path]}
        layout.homes[path] = tuple(sorted({members.get(home, home) for home in homes}))
        for row in files[path]:
            if isinstance(row, ProjectName) and row.name:
                for home in layout.homes[path]:
                    layout.names.setdefault(home, set()).add(purl.normalise_name(row.name))
        named = "constraint" in posixpath.basename(path).lower()
        if path not in required and (includers[path] or named or path in bound):
            layout.constraints.add(path)
    return layout


def _is_around(path: str) -> bool:
    """Whether the file describes what projects run in, and makes its folder no project."""
    rows = manifests_of(path)
    named = [row for row in rows if not row.marked]
    return all(row.around for row in named or rows) and bool(rows)


def _home(path: str) -> str:
    """The folder of the project that a manifest belongs to by its own path."""
    folder = posixpath.dirname(path)
    installed = _INSTALLED.fullmatch(path)
    if installed is not None:
        return installed.group("prefix").rstrip("/") or "."
    if posixpath.basename(path).lower() not in _FOLDER_MANIFESTS:
        parent, _, last = folder.rpartition("/")
        if last.lower() in _REQUIREMENT_FOLDERS:
            folder = parent
    return folder or "."


def _roots(parts: Sequence[Sequence[str]], includers: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """For each manifest the ones that pull it in and that nobody pulls in; itself where it stands alone."""
    roots: dict[str, set[str]] = {}
    for part in parts:
        outside = {one for path in part for one in includers[path]} - set(part)
        # In a circle nobody is first: the smallest name speaks for all.
        found = {root for one in outside for root in roots[one]} or {min(part)}
        if len(found) > _MAX_HOMES:  # everybody's file is nobody's
            found = {min(part)}
        roots.update(dict.fromkeys(part, found))
    return roots


def _workspace_members(files: Files) -> dict[str, str]:
    """Folders without a lock of their own that a lock above them resolves, and that lock's folder."""
    locks = {_home(path) for path, rows in files.items() if any(_is_lock_row(row) for row in rows)}
    members: dict[str, str] = {}
    for path, rows in files.items():
        for row in rows:
            if not isinstance(row, Declaration) or not row.locked or row.origin is None:
                continue
            folder = resolve_include(path, row.origin.url) if row.origin.kind is OriginKind.PATH else None
            for one in _folders_like(folder, files) if folder is not None else ():
                if one not in locks:
                    members.setdefault(one, _home(path))
    return members


def _folders_like(pattern: str, files: Files) -> Iterable[str]:
    """The folder, or those with manifests that a workspace's pattern (``packages/*``) means."""
    if "*" not in pattern:
        return (pattern,)
    return sorted({home for home in map(_home, files) if fnmatchcase(home, pattern)})


def _is_lock_row(row: Reading) -> bool:
    return isinstance(row, Declaration) and row.locked and not row.own


def _by_project(files: Files, layout: _Layout) -> dict[str, list[Wanted]]:
    projects: dict[str, list[Wanted]] = {folder: [] for folder in layout.folders}
    for path, rows in files.items():
        constrains = path in layout.constraints
        around, alone = _is_around(path), _is_alone(path)
        for row in rows:
            if isinstance(row, Declaration):
                wanted = Wanted(row, row.constraint or constrains, around, alone)
                for home in layout.homes[path]:
                    projects[home].append(wanted)
    return projects


def _circles(files: Files, layout: _Layout) -> Iterator[Evidence]:
    """Includes that lead back to the file they stand in: pip refuses the whole file."""
    for path, rows in files.items():
        for row in rows:
            target = resolve_include(path, row) if isinstance(row, Include) and not row.by_command else None
            if target is not None and target in files and layout.circles[path] == layout.circles[target]:
                by_way = visible(target)
                message = f"{visible(path)} includes itself by way of {by_way}: pip refuses it"
                yield Evidence(
                    "COV-005", row.where, message, f"include:{path}", remedy="Remove this include."
                )


def _named_projects(files: Files, layout: _Layout) -> tuple[Project, ...]:
    found = {folder: Project(folder) for folder in layout.folders}
    # Of a folder that is a project in several ecosystems the Python one speaks.
    for path, rows in sorted(files.items(), key=lambda file: (_is_foreign(file[0]), file[0]), reverse=True):
        for row in rows:
            if isinstance(row, ProjectName):
                folder = _home(path)
                found[folder] = Project(
                    folder, row.name, row.version, row.description, row.licence, row.where
                )
    return tuple(found[folder] for folder in sorted(found))


def _is_alone(path: str) -> bool:
    """Whether only a mark makes the file a manifest, and one of an environment of its own."""
    rows = manifests_of(path)
    return all(row.marked for row in rows) and any(row.alone for row in rows)


def _is_foreign(path: str) -> bool:
    rows = manifests_of(path)
    return bool(rows) and all(row.ecosystem not in {"pypi", "conda"} for row in rows)


# --- refs -------------------------------------------------------------------------------------------------


def _refs(items: Sequence[Item | Thing]) -> dict[int, str]:
    """A ref for each item: its package URL, with its project behind it where several projects have it."""
    urls = [item.purl for item in items]
    shared = Counter(urls)
    refs = {}
    for item, url in zip(items, urls, strict=True):
        place = item.apart if isinstance(item, Thing) and item.apart else item.project
        refs[id(item)] = url if shared[url] == 1 else f"{url}#{purl.quote(place, keep='/')}"
    return refs
