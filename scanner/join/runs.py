"""Pure: from the lines of build pipelines to the files of code that they run.

Pipelines lead to scripts, to targets of make and to stages of DVC, and these to code: each such file is read
once, through the reader that is handed in, and followed a few levels deep.
"""

import fnmatch
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from sbom.model import Location
from sbom.record import mutable, record, replace
from scanner.errors import LimitReached, Malformed
from scanner.join import tools
from scanner.limits import Limits
from scanner.manifests import gitlab_jobs, scripts, steps
from scanner.manifests.started import Started, started
from scanner.manifests.steps import Step
from scanner.model import Run
from scanner.patterns import pattern
from scanner.readers import decoding

_GITHUB = pattern(r"(?P<base>(?:.*/)?)\.github/workflows/[^/]+\.ya?ml", re.IGNORECASE)
_GITLAB = pattern(r"(?P<base>(?:.*/)?)\.gitlab-ci\.ya?ml", re.IGNORECASE)
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_READ = {"tox": tools.tox, "nox": tools.nox, "docker": tools.docker}
_FILES = {"tox": "tox.ini", "nox": "noxfile.py"}
_PROJECTS = 100  # that are asked for the commands they install
_LEVELS = 4  # a pipeline runs make, which runs a script, which runs a script
_TEST = pattern(r"test_.*\.py|.*_test\.py|conftest\.py")

Read = Callable[[str], bytes | None]


@record
class _Way:
    """How a command came to be run: the pipeline's step, and the lines that lead from there."""

    step: Step
    base: str
    by: tuple[Location, ...] = ()


def is_pipeline(path: str) -> bool:
    """Whether a path is that of a build pipeline."""
    return bool(_GITHUB.fullmatch(path) or _GITLAB.fullmatch(path))


def runs(paths: Collection[str], read: Read, limits: Limits) -> tuple[Run, ...]:
    """Every file of code that the pipelines among ``paths`` run; ``read`` gives a file's bytes, or None."""
    found = _Runs(paths, read, limits)
    for path in sorted(filter(is_pipeline, paths)):
        found.pipeline(path)
    return tuple(sorted(found.rows, key=lambda run: (run.script, run.where.order, repr(run))))


@mutable
class _Made:
    """A Makefile: its targets, each with what it needs and the lines of its recipe."""

    path: str
    targets: dict[str, tuple[tuple[str, ...], tuple[tuple[int, str], ...]]]


class _Runs:
    def __init__(self, paths: Collection[str], read: Read, limits: Limits) -> None:
        self.rows: dict[Run, None] = {}
        self._paths = paths
        self._limits = limits
        self._read = read
        self._texts: dict[str, bytes | None] = {}
        self._made: dict[str, _Made] = {}
        self._tests: list[str] | None = None
        self._known: dict[str, str] | None = None
        self._called: set[tuple[Location, str]] = set()  # a pipeline's line, and the pipeline that it calls

    def pipeline(self, path: str) -> None:
        """Follows one pipeline; what is no YAML its manifest's reader tells of."""
        github = _GITHUB.fullmatch(path)
        found = github or _GITLAB.fullmatch(path)
        base = found["base"].rstrip("/") if found else ""
        for step in self._steps(path, steps.github) if github else self._gitlab(path, base):
            self._step(_Way(step, base))

    def _gitlab(self, path: str, base: str) -> Iterator[Step]:
        def named(text: str) -> list[str]:
            inside = self._inside(base, text.lstrip("/"))
            return self._pipelines(inside) if inside is not None else []

        try:
            yield from gitlab_jobs.steps(path, self._text, named)
        except (Malformed, LimitReached):
            return  # COV-005 tells of it: the same file is a manifest

    def _pipelines(self, inside: str) -> list[str]:
        """The files that a path means, which may hold ``*``."""
        if "*" in inside:
            return sorted(fnmatch.filter(self._paths, inside))[:_PROJECTS]
        return [inside] if inside in self._paths else []

    def _text(self, path: str) -> bytes:
        if path not in self._texts:
            full = len(self._texts) >= self._limits.pipeline_files
            self._texts[path] = None if full else self._read(path)
        return self._texts[path] or b""

    def _steps(self, path: str, parse: Callable[[bytes, Location], Iterator[Step]]) -> Iterator[Step]:
        try:
            yield from parse(self._text(path), Location(path))
        except (Malformed, LimitReached):
            return  # COV-005 tells of it: the same file is a manifest

    def _step(self, way: _Way, level: int = 0, path: str = "") -> None:
        step = way.step
        if step.uses:
            self._action(way, level)
            return
        folder = posixpath.join(way.base, step.folder) if step.folder else way.base
        self._commands(step.lines, step.variables, way, folder, level, step.path or path)

    def _action(self, way: _Way, level: int) -> None:
        """An action of this tree: its own steps, in the job that uses it."""
        inside = self._inside(way.base, way.step.uses.lstrip("/"))
        if inside is None or level >= _LEVELS:
            return
        if inside.endswith((".yml", ".yaml")):
            for path in self._pipelines(inside):
                self._pipeline_of(path, way, level)
            return
        for name in ("action.yml", "action.yaml"):
            path = f"{inside}/{name}" if inside else name
            if path not in self._paths:
                continue
            for inner in self._steps(path, steps.github):
                if inner.uses:
                    self._action(_Way(replace(way.step, uses=inner.uses), way.base, way.by), level + 1)
                    continue
                folder = posixpath.join(way.base, inner.folder) if inner.folder else way.base
                self._commands(inner.lines, inner.variables, way, folder, level + 1, path)

    def _pipeline_of(self, path: str, way: _Way, level: int) -> None:
        """A pipeline of this tree that another one calls or includes, in the events of that one."""
        asked = (way.step.where, path)
        if (
            path not in self._paths
            or asked in self._called
            or len(self._called) >= self._limits.pipeline_files
        ):
            return
        self._called.add(asked)
        gitlab = _GITLAB.fullmatch(way.step.where.path)
        for inner in self._gitlab(path, way.base) if gitlab else self._steps(path, steps.github):
            secrets = tuple(sorted({*way.step.secrets, *inner.secrets}))
            step = replace(inner, where=way.step.where, events=way.step.events, secrets=secrets)
            self._step(_Way(step, way.base, way.by), level + 1, path)

    def _commands(
        self,
        lines: Iterable[tuple[int, str]],
        variables: Iterable[tuple[str, str]],
        way: _Way,
        folder: str,
        level: int,
        path: str = "",
    ) -> None:
        """What some lines start; they stand in ``path``, or in the pipeline itself where that is empty."""
        try:
            rows = list(started(lines, variables, folder, self._programs()))
        except LimitReached:
            return
        for row in rows:
            here = Location(path or way.step.where.path, line=row.line)
            # The pipeline's own line leads the way; the others follow it.
            where = way if path else _Way(replace(way.step, where=here), way.base, way.by)
            self._start(row, _Way(where.step, where.base, (*where.by, here)) if path else where, level)

    def _start(self, row: Started, way: _Way, level: int) -> None:
        if row.kind == "file":
            self._run(self._inside(row.folder, row.name), way)
        elif row.kind == "module":
            for path in _modules(row.name):
                self._run(self._inside(row.folder, path), way)
                self._run(self._inside(posixpath.join(row.folder, "src"), path), way)
        elif row.kind == "command":
            for path in _modules(self._programs()[row.name]):
                self._run(self._inside("", path), way)
                self._run(self._inside("src", path), way)
        elif row.kind == "archive":
            self._archives(row, way)
        elif row.kind == "tests":
            for path in self._tests_below(self._inside(row.folder, row.name or ".")):
                self._run(path, way)
        elif level < _LEVELS:
            self._follow(row, way, level + 1)

    def _archives(self, row: Started, way: _Way) -> None:
        """The archives of the tree that a server loads, by its command or by its configuration."""
        inside = self._inside(row.folder, row.name)
        if inside is None:
            return
        if not inside.endswith(".properties"):
            for path in self._pipelines(inside):
                self._run(path, way)
            return
        store, models = tools.torchserve(self._text(inside))
        for name in models:
            for folder in (store, posixpath.dirname(inside)):
                for path in self._pipelines(self._inside(folder, name) or ""):
                    self._run(path, way)

    def _follow(self, row: Started, way: _Way, level: int) -> None:
        if row.kind == "make":
            made = self._makefile(row.folder)
            if made is not None:
                self._target(made, row, way, level, set())
            return
        name = row.name or _FILES.get(row.kind, "")
        path = self._inside("" if row.kind == "docker" else row.folder, name)
        if path is None or path not in self._paths:
            return
        if row.kind in _READ:
            self._commands(_READ[row.kind](self._text(path)), (), way, row.folder, level, path)
        elif row.kind == "dvc":
            for step in self._steps(path, steps.dvc):
                folder = posixpath.join(row.folder, step.folder) if step.folder else row.folder
                self._commands(step.lines, (), way, folder, level, path)
        elif path.endswith(".py"):
            self._run(path, way)
        else:
            text, _ = decoding.decode(self._text(path)[: self._limits.pipeline_bytes])
            self._commands(enumerate(text.split("\n"), 1), (), way, row.folder, level, path)

    def _programs(self) -> Mapping[str, str]:
        """The modules behind the commands that the projects of the tree install."""
        if self._known is None:
            self._known = {}
            for path in sorted(one for one in self._paths if one.rpartition("/")[2] == "pyproject.toml")[
                :_PROJECTS
            ]:
                folder = path.rpartition("/")[0]
                for name, module in tools.programs(self._text(path)).items():
                    self._known.setdefault(name, f"{folder.replace('/', '.')}.{module}" if folder else module)
        return self._known

    def _makefile(self, folder: str) -> _Made | None:
        for name in _MAKEFILES:
            path = self._inside(folder, name)
            if path is None or path not in self._paths:
                continue
            if path not in self._made:
                self._made[path] = _Made(path, scripts.recipes(self._text(path)))
            return self._made[path]
        return None

    def _target(self, made: _Made, row: Started, way: _Way, level: int, seen: set[str]) -> None:
        name = row.name or next((name for name in made.targets if not name.startswith(".")), "")
        todo = [name]
        while todo:
            name = todo.pop()
            if name in seen or name not in made.targets:
                continue
            seen.add(name)
            needs, lines = made.targets[name]
            todo += needs
            self._commands(lines, (), way, row.folder, level, made.path)

    def _run(self, path: str | None, way: _Way) -> None:
        if path is None or path not in self._paths or len(self.rows) >= self._limits.pipeline_runs:
            return
        step = way.step
        self.rows[Run(path, step.where, step.job, way.by, step.events, step.secrets)] = None

    def _inside(self, folder: str, name: str) -> str | None:
        """The path from the root; None where it leads out of it."""
        if "\0" in name:
            return None
        # What a container or a runner calls its checkout is most likely the root.
        for prefix in ("/app/", "/workspace/", "/code/", "/src/", "/builds/"):
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
        path = posixpath.normpath(posixpath.join(folder, name)).lstrip("/")
        if path == ".":
            return ""
        return None if path == ".." or path.startswith("../") else path

    def _tests_below(self, path: str | None) -> list[str]:
        if path is None:
            return []
        if path.endswith(".py"):
            return [path]
        if self._tests is None:
            self._tests = sorted(one for one in self._paths if _TEST.fullmatch(one.rpartition("/")[2]))
        return [one for one in self._tests if not path or one.startswith(f"{path}/")]


def _modules(name: str) -> tuple[str, ...]:
    inside = name.replace(".", "/")
    return (f"{inside}.py", f"{inside}/__main__.py", f"{inside}/__init__.py")


def by_script(rows: Iterable[Run]) -> Mapping[str, tuple[Run, ...]]:
    """The runs of each script."""
    found: dict[str, list[Run]] = {}
    for run in rows:
        found.setdefault(run.script, []).append(run)
    return {script: tuple(found[script]) for script in found}
