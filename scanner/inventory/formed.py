"""How things are made: the stages that files state, as workflows over the components of the inventory. Pure.

A path that is a component's is that component; of a folder those that lie in it. A script that a stage runs
takes what it loads: where the code was seen to load a model or data, the stage takes that, too.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sbom.model import Component, Inventory, Kind, Location, Step, Task, Workflow
from sbom.record import field, mutable, replace
from scanner.inventory.described import place
from scanner.manifests import urls
from scanner.model import Reading, Stage, Used

_MAX_TASKS: Final = 1_000  # of one file
_MAX_COMMAND: Final = 4_000  # characters of one command that are kept
_MAX_INSIDE: Final = 100  # components that one folder stands for
_SCRIPT: Final = re.compile(r"[\w./-]{1,300}\.(?:py|ipynb)\b", re.ASCII)
# A value behind the name of a secret; a variable in its place tells nothing.
_SECRET: Final = re.compile(
    r"((?:^|[\s;&|\"'])-{0,2}[\w-]{0,40}"
    r"(?:tokens?(?![a-z])|secret|passw(?:or)?d|api[_-]?key|access[_-]?key|credential)[\w-]{0,40}"
    r"(?:[=:][ \t]*|[ \t]+)[\"']?|\bbearer[ \t]+)(?![\s\"'$-])[^\s\"';|&]+",
    re.IGNORECASE | re.ASCII,
)
_TOKEN: Final = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|AKIA[A-Z0-9]{16}"
    r"|sk-[A-Za-z0-9_-]{20,}|glpat-[\w-]{20,}|xox[a-z]-[\w-]{10,})",
    re.ASCII,
)


@mutable
class _Index:
    """Components by the path of the file that they are, by a line that names them, and by who loads them."""

    files: dict[str, list[str]] = field(default_factory=dict)
    named: dict[tuple[Location, str], str] = field(default_factory=dict)
    loaded: dict[str, list[str]] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)


def with_workflows(inventory: Inventory, readings: Mapping[str, Iterable[Reading]]) -> Inventory:
    """The inventory with what its files state of how things are made."""
    stages = {
        path: found
        for path in sorted(readings)
        if (found := [row for row in readings[path] if isinstance(row, Stage)])
    }
    if not stages:
        return inventory
    index = _indexed(inventory.components)
    values = {
        (posixpath.dirname(path), stage.name): dict(stage.parameters)
        for path, rows in stages.items()
        for stage in rows
        if not stage.steps
    }
    made = [
        Workflow(path, tuple(_tasks(path, [row for row in rows if row.steps], values, index)))
        for path, rows in stages.items()
    ]
    return replace(inventory, workflows=tuple(one for one in made if one.tasks))


def _indexed(components: Iterable[Component]) -> _Index:
    index = _Index()
    for component in components:
        for where in component.seen:
            if where.line is None and where.cell is None and not where.member:
                index.files.setdefault(where.path, []).append(component.ref)
                folder = posixpath.dirname(where.path)
                while folder:
                    index.folders.setdefault(folder, []).append(component.ref)
                    folder = posixpath.dirname(folder)
            else:
                index.named.setdefault((where, component.name), component.ref)
                if component.kind in {Kind.MODEL, Kind.DATA} and _SCRIPT.fullmatch(where.path):
                    index.loaded.setdefault(where.path, []).append(component.ref)
    return index


def _tasks(
    path: str, stages: Sequence[Stage], values: Mapping[tuple[str, str], Mapping[str, str]], index: _Index
) -> Iterator[Task]:
    for stage in stages[:_MAX_TASKS]:
        known = values.get((posixpath.dirname(path), stage.name), {})
        parameters = {name: text or known.get(name, "") for name, text in stage.parameters} | dict(known)
        steps = tuple(Step(step.name, tuple(map(shown, step.commands))) for step in stage.steps)
        outputs = dict.fromkeys(ref for used in stage.outputs for ref in _refs(path, used, index))
        inputs = dict.fromkeys(ref for used in stage.inputs for ref in _refs(path, used, index))
        loaded = [ref for script in _scripts(path, stage) for ref in index.loaded.get(script, ())]
        inputs |= dict.fromkeys(ref for ref in loaded if ref not in outputs)
        yield Task(
            stage.name,
            stage.where.line,
            steps,
            tuple(inputs),
            tuple(outputs),
            _safe(sorted(parameters.items())),
            _safe(stage.metrics),
            _safe(stage.about),
        )


def _safe(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Names and values without the secrets among them."""
    return tuple(
        (name, "***" if value and _SECRET.fullmatch(f"{name}={value}") else shown(value))
        for name, value in pairs
    )


def _refs(path: str, used: Used, index: _Index) -> Iterator[str]:
    """The components that a path stands for; the path itself where it is none's."""
    target = place(path, used.path)
    if found := index.files.get(target):
        yield from found
        return
    for name in (used.path, posixpath.basename(target.partition("?")[0].rstrip("/"))):
        if ref := index.named.get((used.where, name)):
            yield ref
            return
    yield from index.folders.get(target, ())[:_MAX_INSIDE] or [urls.masked(target)]


def _scripts(path: str, stage: Stage) -> Iterator[str]:
    """The script that states the stage, and those that its commands name: beside its file, from the root."""
    if _SCRIPT.fullmatch(path):
        yield path
    for step in stage.steps:
        for command in step.commands:
            for found in _SCRIPT.findall(command[:_MAX_COMMAND]):
                yield from dict.fromkeys((place(path, found), posixpath.normpath(found)))


def shown(command: str) -> str:
    """A command without the secrets that stand in it, and not the whole of a megabyte."""
    plain = urls.masked(command[:_MAX_COMMAND]) + (" …" if len(command) > _MAX_COMMAND else "")
    return _TOKEN.sub("***", _SECRET.sub(r"\1***", plain))
