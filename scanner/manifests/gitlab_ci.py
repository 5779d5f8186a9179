"""GitLab CI files: the images that jobs run in, what their scripts install, and the jobs as stages.

Law: GitLab's "CI/CD YAML syntax reference".
"""

import posixpath
from collections.abc import Iterator

from sbom.model import Location, Step
from scanner.manifests.compose import reference
from scanner.manifests.installers import Installs
from scanner.model import Declaration, Reading, Stage, Used
from scanner.readers import yaml

_SCRIPTS = ("before_script", "script", "after_script")
_NO_JOB = frozenset(
    {"variables", "include", "stages", "workflow", "cache", "spec", "default", "services", "image"}
)
_MAX_JOBS = 1_000  # of one file, and texts and lists of one script
_MAX_EXTENDED = 50  # jobs that one job extends
_MAX_WORK = 20_000  # texts and lists of all scripts of one file


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The images, installs and stages of all jobs. Variables count where the file itself sets them.

    A reference that cannot be read is COV-005 at its line. Raises Malformed where this is no YAML.
    """
    documents, lines = yaml.load(data)
    for root in documents:
        known = _variables(root)
        parts = [value for name, value in root.entries() if value.kind == "map" and name != "variables"]
        for part in [root, *parts]:
            yield from _job(part, {**known, **_variables(part)}, where, lines)
        yield from _stages(root, where)


def _variables(node: yaml.Node) -> dict[str, str]:
    found = node.get("variables")
    rows = found.entries() if found is not None else ()
    return {name: value.text for name, value in rows if value.kind == "scalar" and "$" not in value.text}


def _job(job: yaml.Node, known: dict[str, str], where: Location, lines: list[str]) -> Iterator[Reading]:
    image, services = job.get("image"), job.get("services")
    for node in [image, *(services.items if services is not None else ())]:
        named = node.get("name") if node is not None and node.kind == "map" else node
        if named is not None and named.kind == "scalar" and named.text:
            yield reference(named, where, known)
    installs = Installs(where, known)
    for name in _SCRIPTS:
        script = job.get(name)
        if script is not None:
            yield from installs.read(row for node in _texts(script) for row in yaml.script(node, lines))
    yield from installs.end()


def _texts(node: yaml.Node) -> Iterator[yaml.Node]:
    """The lines of a script: a text, or texts in lists in lists."""
    if node.kind == "scalar":
        yield node
    for item in node.items:
        yield from _texts(item)


def _stages(root: yaml.Node, where: Location) -> Iterator[Stage]:
    """Each job that runs as a stage: its commands, the image it runs in, the files that it hands on.

    What a job does not say itself it takes from those that it ``extends``, then from ``default`` and the top
    of the file. A name that begins with a dot is a template's: nothing runs it.
    """
    default, jobs = root.get("default"), dict(root.entries())
    work = iter(range(_MAX_WORK))
    run = [(name, job) for name, job in jobs.items() if job.kind == "map" and name[:1] != "."]
    for name, job in run[:_MAX_JOBS]:
        own = _lineage(job, jobs)
        every = [*own, *([default] if default is not None else []), root]
        if name in _NO_JOB or _said("script", own) is None:
            continue
        steps = []
        for key in _SCRIPTS:
            script = _said(key, own if key == "script" else every)
            if script is not None and (commands := tuple(_commands(script, jobs, work))):
                steps.append(Step(key, commands))
        if steps:
            place, inputs = where.at(line=job.line), tuple(_image(_said("image", every), where, root, own))
            yield Stage(
                place, name, tuple(steps), inputs, tuple(_artifacts(_said("artifacts", every), where))
            )


def _lineage(job: yaml.Node, jobs: dict[str, yaml.Node]) -> list[yaml.Node]:
    """The job, and what it extends: of several the last first, for it counts more."""
    found, level = {id(job): job}, [job]
    while level and len(found) < _MAX_EXTENDED:
        said = [node for one in level if (node := one.get("extends")) is not None]
        names = [one.text for node in said for one in reversed([node, *node.items[:_MAX_EXTENDED]])]
        nodes = [jobs[name] for name in dict.fromkeys(names) if name in jobs]
        level = [node for node in nodes if id(node) not in found]
        found |= {id(node): node for node in level}
    return list(found.values())


def _commands(script: yaml.Node, jobs: dict[str, yaml.Node], work: Iterator[int]) -> Iterator[str]:
    """The commands of a script in their order, what ``!reference [job, key]`` stands for in its place.

    ``work`` is what may still be looked at: a few references to each other stand for more than anybody reads.
    """
    todo = [script]
    for _ in zip(range(_MAX_JOBS), work, strict=False):
        if not todo:
            return
        node = todo.pop()
        if node.kind == "scalar" and (text := node.text.strip()):
            yield text
        told = None
        if len(node.items) == 2 and node.items[0].text in jobs:
            told = jobs[node.items[0].text].get(node.items[1].text)
        todo += [told] if told is not None else reversed(node.items[:_MAX_JOBS])


def _said(key: str, nodes: list[yaml.Node]) -> yaml.Node | None:
    return next((found for node in nodes if (found := node.get(key)) is not None), None)


def _image(image: yaml.Node | None, where: Location, root: yaml.Node, own: list[yaml.Node]) -> Iterator[Used]:
    named = image.get("name") if image is not None and image.kind == "map" else image
    if named is not None and named.kind == "scalar" and named.text:
        known = {name: text for node in (root, *reversed(own)) for name, text in _variables(node).items()}
        found = reference(named, where, known)
        if isinstance(found, Declaration):
            yield Used(found.name, found.where)


def _artifacts(artifacts: yaml.Node | None, where: Location) -> Iterator[Used]:
    """The paths that a job hands on, from the root of the checkout; what a variable fills in is none."""
    paths = artifacts.get("paths") if artifacts is not None else None
    for one in paths.items if paths is not None else ():
        if one.kind == "scalar" and one.text and "$" not in one.text:
            folder = posixpath.dirname(where.path)
            inside = bool(folder) and not one.text.startswith("/")
            path = posixpath.relpath(one.text, folder) if inside else one.text
            yield Used(path, where.at(line=one.line))
