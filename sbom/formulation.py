"""CycloneDX' ``formulation``: how things are made, as files of the tree state it. Plain data, both ways.

A task's inputs and outputs point to components of the document, or name what is none by its path. What kind
of work it is nobody states: its type is ``other``. Which task waits for which follows from what they share.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

from sbom.model import Step, Task, Workflow
from sbom.wellformed import link, well_formed

Part = dict[str, Any]

_PATH: Final = "weighbridge:path"
_AGAIN: Final = "weighbridge:again"
_LINE: Final = "weighbridge:line"
_ABOUT: Final = "weighbridge:about:"
_KIND: Final = ["other"]


def formulation(
    workflows: Sequence[Workflow], refs: Mapping[str, str], take: Callable[[str], str]
) -> list[Part]:
    """``formulation``; empty where no file states a step. ``refs`` are the names of components in the
    document by their refs, ``take`` gives a new name.
    """
    rows = [_workflow(one, refs, take) for one in sorted(workflows, key=lambda one: one.path)]
    return [{"bom-ref": take("formulation"), "workflows": rows}] if rows else []


def _workflow(workflow: Workflow, refs: Mapping[str, str], take: Callable[[str], str]) -> Part:
    name = take(f"workflow:{workflow.path}")
    tasks = [(take(f"{name}#{task.name}"), task) for task in workflow.tasks]
    part: Part = {
        "bom-ref": name,
        "uid": name,
        "name": well_formed(workflow.path),
        "taskTypes": _KIND,
        "properties": [{"name": _PATH, "value": well_formed(workflow.path)}],
    }
    if tasks:
        part["tasks"] = [_task(ref, task, refs) for ref, task in tasks]
    if waits := list(_waits(tasks)):
        part["taskDependencies"] = waits
    return part


def _waits(tasks: Sequence[tuple[str, Task]]) -> Iterator[Part]:
    """Who needs what another task gives."""
    given: dict[str, list[str]] = {}
    for ref, task in tasks:
        for what in task.outputs:
            given.setdefault(what, []).append(ref)
    for ref, task in tasks:
        needed = {one for what in task.inputs for one in given.get(what, ())} - {ref}
        if needed:
            yield {"ref": ref, "dependsOn": sorted(needed)}


def _task(ref: str, task: Task, refs: Mapping[str, str]) -> Part:
    part: Part = {"bom-ref": ref, "uid": ref, "name": well_formed(task.name), "taskTypes": _KIND}
    if steps := _apart([_step(step) for step in task.steps]):
        part["steps"] = steps
    inputs: list[Part] = [{"resource": _resource(what, refs)} for what in dict.fromkeys(task.inputs)]
    if task.parameters:
        pairs = dict.fromkeys((well_formed(name), well_formed(value)) for name, value in task.parameters)
        rows = [{"name": name, "value": value} for name, value in pairs]
        inputs.append({"parameters": [{key: text for key, text in row.items() if text} for row in rows]})
    if inputs:
        part["inputs"] = inputs
    if task.outputs:
        given = [_resource(what, refs) for what in dict.fromkeys(task.outputs)]
        part["outputs"] = [{"type": "artifact", "resource": one} for one in given]
    if task.metrics:
        part["outputs"] = [*part.get("outputs", []), _measured(task.metrics)]
    said = [(f"{_ABOUT}{well_formed(name)}", well_formed(value)) for name, value in task.about]
    said += [(_LINE, str(task.line))] if task.line is not None else []
    if said:
        part["properties"] = [{"name": name, "value": value} for name, value in said]
    return part


def _measured(metrics: Sequence[tuple[str, str]]) -> Part:
    """What came of it was measured to be: CycloneDX has no list of names and values for that, JSON has."""
    pairs = [[well_formed(name), well_formed(value)] for name, value in metrics]
    return {"type": "metrics", "data": {"contentType": "application/json", "content": json.dumps(pairs)}}


def _step(step: Step) -> Part:
    part: Part = {"commands": _apart([{"executed": well_formed(text)} for text in step.commands])}
    return {"name": well_formed(step.name), **part} if step.name else part


def _apart(rows: list[Part]) -> list[Part]:
    """The rows in their order; what is done again is marked so, for the schema wants no two alike."""
    seen: dict[str, int] = {}
    for row in rows:
        key = repr(row)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            row["properties"] = [{"name": _AGAIN, "value": str(seen[key])}]
    return rows


def _resource(what: str, refs: Mapping[str, str]) -> Part:
    if what in refs:
        return {"ref": refs[what]}
    return {"externalReference": {"type": "other", "url": link(what) or quote(well_formed(what))}}


def workflows(document: Mapping[str, Any]) -> tuple[Workflow, ...]:
    """What ``formulation`` was written from. Raises KeyError, TypeError or ValueError where it is no such."""
    rows = [row for formula in document.get("formulation", ()) for row in formula["workflows"]]
    return tuple(
        Workflow(_property(row, _PATH), tuple(_read_task(task) for task in row.get("tasks", ())))
        for row in rows
    )


def _read_task(part: Part) -> Task:
    line = _property(part, _LINE)
    given = part.get("inputs", ())
    return Task(
        part["name"],
        int(line) if line else None,
        tuple(
            Step(step.get("name", ""), tuple(one["executed"] for one in step["commands"]))
            for step in part.get("steps", ())
        ),
        tuple(_read_resource(row["resource"]) for row in given if "resource" in row),
        tuple(_read_resource(row["resource"]) for row in part.get("outputs", ()) if "resource" in row),
        tuple(
            (one.get("name", ""), one.get("value", "")) for row in given for one in row.get("parameters", ())
        ),
        tuple(
            (name, value)
            for row in part.get("outputs", ())
            if "data" in row
            for name, value in json.loads(row["data"]["content"])
        ),
        tuple(
            (row["name"].removeprefix(_ABOUT), row["value"])
            for row in part.get("properties", ())
            if row["name"].startswith(_ABOUT)
        ),
    )


def _read_resource(part: Part) -> str:
    if "ref" in part:
        return str(part["ref"])
    url = str(part["externalReference"]["url"])
    return url if link(url) else unquote(url)


def _property(part: Part, name: str) -> str:
    return next((str(row["value"]) for row in part.get("properties", ()) if row["name"] == name), "")
