"""Which manifest belongs to which project."""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from sbom import purl
from sbom.record import field, mutable
from scanner.inventory.described import nearest
from scanner.inventory.includes import resolve_include, resolve_named
from scanner.inventory.items import Wanted
from scanner.knots import knots
from scanner.model import Declaration, Include, OriginKind, ProjectName, Reading
from scanner.patterns import pattern
from scanner.registry import manifests_of

Files = Mapping[str, Sequence[Reading]]

_MAX_HOMES = 64  # projects that one shared requirements file is counted in
_REQUIREMENT_FOLDERS = frozenset({"requirements", "reqs", "constraints"})
# What is installed belongs to the environment that it is installed in.
_INSTALLED = pattern(
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


@mutable
class Layout:
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


def layout_of(files: Files) -> Layout:
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
    layout = Layout()
    members = _workspace_members(files)
    parts = knots(includers)
    roots = _roots(parts, includers)
    settled = frozenset(home_of(path) for path in files if not is_around(path))
    layout.circles = {path: number for number, part in enumerate(parts) for path in part}
    for path in files:
        homes = {nearest(root, settled) if is_around(root) else home_of(root) for root in roots[path]}
        layout.homes[path] = tuple(sorted({members.get(home, home) for home in homes}))
        for row in files[path]:
            if isinstance(row, ProjectName) and row.name:
                for home in layout.homes[path]:
                    layout.names.setdefault(home, set()).add(purl.normalise_name(row.name))
        named = "constraint" in posixpath.basename(path).lower()
        if path not in required and (includers[path] or named or path in bound):
            layout.constraints.add(path)
    return layout


def is_around(path: str) -> bool:
    """Whether the file describes what projects run in, and makes its folder no project."""
    rows = manifests_of(path)
    named = [row for row in rows if not row.marked]
    return all(row.around for row in named or rows) and bool(rows)


def home_of(path: str) -> str:
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
    locks = {home_of(path) for path, rows in files.items() if any(_is_lock_row(row) for row in rows)}
    members: dict[str, str] = {}
    for path, rows in files.items():
        for row in rows:
            if not isinstance(row, Declaration) or not row.locked or row.origin is None:
                continue
            folder = resolve_include(path, row.origin.url) if row.origin.kind is OriginKind.PATH else None
            for one in _folders_like(folder, files) if folder is not None else ():
                if one not in locks:
                    members.setdefault(one, home_of(path))
    return members


def _folders_like(pattern: str, files: Files) -> Iterable[str]:
    """The folder, or those with manifests that a workspace's pattern (``packages/*``) means."""
    if "*" not in pattern:
        return (pattern,)
    return sorted({home for home in map(home_of, files) if fnmatchcase(home, pattern)})


def _is_lock_row(row: Reading) -> bool:
    return isinstance(row, Declaration) and row.locked and not row.own


def by_project(files: Files, layout: Layout) -> dict[str, list[Wanted]]:
    projects: dict[str, list[Wanted]] = {folder: [] for folder in layout.folders}
    for path, rows in files.items():
        constrains = path in layout.constraints
        around, alone = is_around(path), _is_alone(path)
        for row in rows:
            if isinstance(row, Declaration):
                wanted = Wanted(row, row.constraint or constrains, around, alone)
                for home in layout.homes[path]:
                    projects[home].append(wanted)
    return projects


def _is_alone(path: str) -> bool:
    """Whether only a mark makes the file a manifest, and one of an environment of its own."""
    rows = manifests_of(path)
    return all(row.marked for row in rows) and any(row.alone for row in rows)
