"""The jobs of a pipeline of GitLab as it runs them: files of the tree that it includes put together with it,
what a job ``extends`` and ``!reference`` in its place.

Law: GitLab's "CI/CD YAML syntax reference" (``include``, ``extends``, ``!reference``, ``trigger:include``)
and "Optimize GitLab CI/CD configuration files".
"""

import re
from collections.abc import Callable, Iterator, Sequence

from sbom.model import Location
from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.manifests.shell import Line
from scanner.manifests.steps import Step
from scanner.patterns import pattern
from scanner.readers import yaml

_VARIABLE = pattern(r"\$\{?([A-Za-z_]\w{0,99})", re.ASCII)
# Secrets are variables of the project; only their names can tell.
_LIKE_SECRET = pattern(r"(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|_KEY|APIKEY)", re.ASCII)
_NO_JOB = frozenset(
    {"variables", "include", "stages", "workflow", "cache", "pages_defaults", "spec", "default", "services"}
)
_SCRIPTS = ("before_script", "script", "after_script")
_SHARED = ("before_script", "after_script")  # what ``default`` and the top of the file give to every job
_EVENTS = {
    "merge_request_event": "merge request",
    "merge_requests": "merge request",
    "schedule": "schedule",
    "schedules": "schedule",
    "external_pull_request_event": "pull request from outside",
}
_FILES = 100  # of one pipeline
_EXTENDED = 50  # jobs that one job extends
_JOBS = 1_000
_WORK = 20_000  # texts and lists of all scripts

Read = Callable[[str], bytes]
Named = Callable[[str], Sequence[str]]


@record
class _File:
    """A file of the pipeline. ``line``: where the first file includes it, by whatever way."""

    path: str
    root: yaml.Node
    lines: list[str]
    line: int | None = None


@record
class _Part:
    """A node, and the file that its lines are of; ``line`` is that of its key, where it has one."""

    node: yaml.Node
    file: _File
    line: int | None = None


def steps(first: str, read: Read, named: Named) -> Iterator[Step]:
    """The scripts of all jobs of the pipeline at ``first``; of a job that starts another one, its files.

    ``read`` gives the bytes of a file of the tree, ``named`` the files that an include means. Raises
    Malformed and LimitReached where the first file cannot be read; others are left out then.
    """
    yield from _Pipeline(first, read, named).steps()


class _Pipeline:
    def __init__(self, first: str, read: Read, named: Named) -> None:
        self._first = first
        self._named = named
        self._files: list[_File] = []  # what counts most last
        self._add(first, read, None, set())
        self._jobs: dict[str, list[_Part]] = {}
        for file in reversed(self._files):
            for key, node in file.root.pairs:
                if key.kind == "scalar" and node.kind == "map":
                    self._jobs.setdefault(key.text, []).append(_Part(node, file, key.line))
        self._work = iter(range(_WORK))

    def _add(self, path: str, read: Read, line: int | None, seen: set[str]) -> None:
        """Takes in a file behind those that it includes, which it overrides."""
        seen.add(path)
        try:
            documents, lines = yaml.load(read(path))
        except (Malformed, LimitReached):
            if line is None:
                raise
            return  # the same file is a manifest, whose reader tells of it
        for root in documents:
            for node in _included(root.get("include")):
                for other in self._named(node.text.strip()):
                    if other not in seen and len(seen) < _FILES:
                        self._add(other, read, line or node.line, seen)
            self._files.append(_File(path, root, lines, line))

    def steps(self) -> Iterator[Step]:
        """The steps of every job that is no template."""
        for name in list(self._jobs)[:_JOBS]:
            if name[:1] != "." and name not in _NO_JOB:
                yield from self._job(name)

    def _job(self, name: str) -> Iterator[Step]:
        own = self._lineage(name)
        default = self._jobs.get("default", [])
        every = [*own, *default, *(_Part(file.root, file) for file in reversed(self._files))]
        variables: dict[str, str] = {}
        for part in reversed([*own, *every[len(own) + len(default) :]]):
            variables |= self._variables(part)
        secrets = _secrets(own, variables)
        events = self._events(own) or ("push",)
        place = self._place(own[0])
        trigger = self._said("trigger", own)
        for node in _included(trigger.node.get("include")) if trigger is not None else ():
            yield Step(place, name, (), events, secrets, uses=f"/{node.text.strip().lstrip('/')}")
        if self._said("script", own) is None and self._said("run", own) is None:
            return
        for key in _SCRIPTS:
            script = self._said(key, every if key in _SHARED else own)
            for file, rows in self._rows(script) if script is not None else ():
                inside = file.path == self._first
                yield Step(
                    Location(self._first, line=rows[0][0]) if inside else place,
                    name,
                    rows,
                    events,
                    secrets,
                    "",
                    tuple(sorted(variables.items())),
                    path="" if inside else file.path,
                )

    def _place(self, job: _Part) -> Location:
        inside = job.file.path == self._first
        return Location(self._first, line=job.line if inside else job.file.line)

    def _lineage(self, name: str) -> list[_Part]:
        """The job, and what it extends: of several the last first, for it counts more."""
        found: dict[int, _Part] = {id(part.node): part for part in self._jobs[name]}
        level = [self._jobs[name]]
        while level and len(found) < _EXTENDED:
            following: list[list[_Part]] = []
            for parts in level:
                said = self._said("extends", parts)
                names = [one.text for one in reversed(said.node.scalars())] if said is not None else []
                following += [self._jobs[one] for one in names[:_EXTENDED] if one in self._jobs]
            level = [parts for parts in following if id(parts[0].node) not in found]
            for parts in level:
                found |= {id(part.node): part for part in parts}
        return list(found.values())

    def _said(self, key: str, parts: Sequence[_Part]) -> _Part | None:
        """The value of a key in the first of some parts that has it."""
        for part in parts:
            node = part.node.get(key)
            if node is not None:
                return self._referred(node) or _Part(node, part.file)
        return None

    def _referred(self, node: yaml.Node) -> _Part | None:
        """What ``!reference [job, key]`` stands for."""
        words = [one.text for one in node.items] if len(node.items) in {2, 3} else []
        for part in self._jobs.get(words[0], ()) if words else ():
            inner: yaml.Node | None = part.node
            for word in words[1:]:
                inner = inner.get(word) if inner is not None else None
            if inner is not None:
                return _Part(inner, part.file)
        return None

    def _rows(self, script: _Part) -> Iterator[tuple[_File, tuple[Line, ...]]]:
        """The lines of a script in their order, those of one file together."""
        rows: list[Line] = []
        at = script.file
        todo = [script]
        while todo and next(self._work, None) is not None:
            part = todo.pop()
            if part.node.kind == "scalar":
                if part.file is not at and rows:
                    yield at, tuple(rows)
                    rows = []
                at = part.file
                rows += yaml.script(part.node, part.file.lines)
                continue
            said = self._referred(part.node)
            todo += (
                [said]
                if said is not None
                else [_Part(one, part.file) for one in reversed(part.node.items[:_JOBS])]
            )
        if rows:
            yield at, tuple(rows)

    def _variables(self, part: _Part) -> dict[str, str]:
        said = self._said("variables", [part])
        rows = said.node.entries() if said is not None else ()
        return {name: value.text for name, value in rows if value.kind == "scalar" and "$" not in value.text}

    def _events(self, own: Sequence[_Part]) -> tuple[str, ...]:
        said = [self._said(key, own) for key in ("rules", "only")]
        texts = [text for part in said if part is not None for text in self._texts(part)]
        return tuple(
            sorted({event for word, event in _EVENTS.items() if any(word in text for text in texts)})
        )

    def _texts(self, part: _Part) -> Iterator[str]:
        """Every text below a node, through references."""
        todo, seen = [part.node], set[int]()
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            said = self._referred(one)
            if said is not None:
                todo.append(said.node)
                continue
            if one.kind == "scalar":
                yield one.text
            todo += [*one.items, *(value for _, value in one.pairs)]


def _included(node: yaml.Node | None) -> Iterator[yaml.Node]:
    """The files of the tree itself that are included."""
    for one in [node, *node.items] if node is not None else ():
        local = one.get("local") if one.kind == "map" else one
        if local is not None and local.kind == "scalar" and local.text and "://" not in local.text:
            yield local


def _secrets(own: Sequence[_Part], known: dict[str, str]) -> tuple[str, ...]:
    named: set[str] = set()
    for part in own:
        todo, seen = [part.node], set[int]()
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if one.kind == "scalar":
                named |= {found[1] for found in _VARIABLE.finditer(one.text)}
            todo += [*one.items, *(value for _, value in one.pairs)]
    found = {name for name in named if _LIKE_SECRET.search(name) and name not in known}
    for key in ("secrets", "id_tokens"):
        for part in own:
            node = part.node.get(key)
            found |= {name for name, _ in node.entries()} if node is not None else set()
    return tuple(sorted(found))
