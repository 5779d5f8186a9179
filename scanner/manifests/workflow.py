"""GitHub Actions workflows and actions: what they use by name, the images they run in, what they install.

Law: GitHub's "Workflow syntax for GitHub Actions" and "Metadata syntax for GitHub Actions".
"""

import re
from collections.abc import Iterator

from sbom.model import Location, Step
from scanner.manifests import images
from scanner.manifests.installers import Installs
from scanner.model import Declaration, Evidence, Reading, Stage, Used
from scanner.readers import yaml
from scanner.text import visible

_USES = re.compile(r"([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:/[^@\s]+)?)(?:@(\S+))?", re.ASCII)
_EXPRESSION = re.compile(r"\$\{\{[^\n]{0,1000}?\}\}")
_NO_SHELL = re.compile(r"(?:python|node|perl|pwsh|powershell|cmd)\b")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The actions, images and installs of a workflow or of an action, in the order of its lines.

    A reference that cannot be read is COV-005 at its line. Raises Malformed where this is no YAML.
    """
    documents, lines = yaml.load(data)
    for root in documents[:1]:
        jobs = root.get("jobs")
        for name, job in jobs.entries() if jobs is not None else ():
            yield from _job(job, root, where, lines)
            yield from _stated(name, job, where)
        runs = root.get("runs")
        if runs is not None and (jobs is None):
            yield from _job(runs, root, where, lines)


def _job(job: yaml.Node, root: yaml.Node, where: Location, lines: list[str]) -> Iterator[Reading]:
    installs = Installs(where)
    variables = {**_env(root), **_env(job)}
    uses = job.get("uses")
    if uses is not None:
        yield from _uses(uses, where)
    for key in ("container", "image"):
        node = job.get(key)
        node = node.get("image") if node is not None and node.kind == "map" else node
        if node is not None and not (key == "image" and not node.text.startswith("docker://")):
            yield from _image(node, where)
    services = job.get("services")
    for _, service in services.entries() if services is not None else ():
        node = service.get("image")
        if node is not None:
            yield from _image(node, where)
    steps = job.get("steps")
    for step in steps.items if steps is not None else ():
        uses = step.get("uses")
        if uses is not None:
            yield from _uses(uses, where)
        run, shell = step.get("run"), step.get("shell")
        if run is not None and run.kind == "scalar" and not (shell and _NO_SHELL.match(shell.text)):
            installs.variables = {**variables, **_env(step)}
            yield from installs.read(
                (number, _EXPRESSION.sub("${GITHUB_EXPRESSION}", row))
                for number, row in yaml.script(run, lines)
            )
    yield from installs.end()


def _stated(name: str, job: yaml.Node, where: Location) -> Iterator[Stage]:
    """The job as a stage: what its steps run, in their order, and the actions that they use."""
    listed = job.get("steps")
    steps: list[Step] = []
    used: list[Used] = []
    for step in listed.items if listed is not None else ():
        title, run, uses = step.get("name"), step.get("run"), step.get("uses")
        if run is not None and run.kind == "scalar":
            called = title.text if title is not None and title.kind == "scalar" else ""
            steps.append(Step(called, (run.text.strip(),)))
        found = _USES.fullmatch(uses.text.strip()) if uses is not None else None
        if uses is not None and found is not None and not found.group(1).startswith("."):
            used.append(Used(found.group(1), where.at(line=uses.line)))
    if steps:
        yield Stage(where.at(line=job.line), name, tuple(steps), tuple(dict.fromkeys(used)))


def _env(node: yaml.Node) -> dict[str, str]:
    env = node.get("env")
    if env is None:
        return {}
    return {
        name: value.text for name, value in env.entries() if value.kind == "scalar" and "$" not in value.text
    }


def _uses(node: yaml.Node, where: Location) -> Iterator[Reading]:
    text = node.text.strip()
    if text.startswith("docker://"):
        yield from _image(node, where)
        return
    if text.startswith("./") or not text:
        return  # of this very tree
    found = _USES.fullmatch(text)
    if found is None:
        yield _bad(node, where, "it is neither an action nor an image")
        return
    yield Declaration(
        found.group(1), where.at(line=node.line), ecosystem="githubactions", version=found.group(2) or ""
    )


def _image(node: yaml.Node, where: Location) -> Iterator[Reading]:
    text = node.text.strip().removeprefix("docker://")
    if node.kind != "scalar" or not text:
        return
    found = images.declared(text, where.at(line=node.line))
    yield found if found is not None else _bad(node, where, "which image it is, only a run would tell")


def _bad(node: yaml.Node, where: Location, why: str) -> Evidence:
    shown = visible(node.text, limit=160)
    return Evidence(
        "COV-005",
        where.at(line=node.line),
        f"Not read: {shown} ({why})",
        subject=f"{where.path}: {shown}",
        remedy="Name the action by its commit, or the image by its digest.",
    )
