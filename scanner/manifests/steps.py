"""The steps of build pipelines: shell text with the job it stands in, what starts it and with which secrets.

Those of GitLab are put together elsewhere (``gitlab_jobs``).
Law: GitHub's "Workflow syntax for GitHub Actions" and DVC's "dvc.yaml Files".
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.record import record
from scanner.manifests.shell import Line
from scanner.patterns import pattern
from scanner.readers import yaml

_SECRET = pattern(
    r"\bsecrets\s*(?:\.\s*([A-Za-z_]\w{0,99})|\[\s*['\"]([A-Za-z_]\w{0,99})['\"]\s*\])", re.ASCII
)
_EXPRESSION = pattern(r"\$\{\{[^\n]{0,1000}?\}\}")
_NO_SHELL = pattern(r"(?:python|node|perl|pwsh|powershell|cmd)\b")


@record
class Step:
    """Shell text that a job runs. ``folder`` as written, ``uses`` an action or pipeline of this very tree.

    ``path``: the file that the lines are of, where that is not the one of ``where``.
    """

    where: Location
    job: str = ""
    lines: tuple[Line, ...] = ()
    events: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    folder: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    uses: str = ""
    path: str = ""


def github(data: bytes, where: Location) -> Iterator[Step]:
    """The steps of a workflow or of an action. Raises Malformed where this is no YAML."""
    documents, lines = yaml.load(data)
    for root in documents[:1]:
        events = _events(root.get("on"))
        jobs, runs = root.get("jobs"), root.get("runs")
        found = list(jobs.entries()) if jobs is not None else []
        if jobs is None and runs is not None:
            found = [("", runs)]
        for name, job in found:
            yield from _github_job(name, job, root, events, where, lines)


def _github_job(
    name: str, job: yaml.Node, root: yaml.Node, events: tuple[str, ...], where: Location, lines: list[str]
) -> Iterator[Step]:
    outer = root.get("env")
    texts = (*_texts(job), *(_texts(outer) if outer is not None else ()))
    secrets = tuple(sorted({found[1] or found[2] for text in texts for found in _SECRET.finditer(text)}))
    job_uses, inherits = job.get("uses"), job.get("secrets")
    if inherits is not None and inherits.text == "inherit":
        secrets = ("inherited", *secrets)
    if job_uses is not None and job_uses.text.startswith("./"):
        place = where.at(line=job_uses.line)
        yield Step(place, name, (), events, secrets, uses=job_uses.text.strip())
    folder = _default_folder(job) or _default_folder(root)
    steps = job.get("steps")
    for step in steps.items if steps is not None else ():
        run, shell, uses, at = (step.get(key) for key in ("run", "shell", "uses", "working-directory"))
        variables = tuple(sorted({**_env(root), **_env(job), **_env(step)}.items()))
        if uses is not None and uses.text.startswith("./"):
            place = where.at(line=uses.line)
            yield Step(place, name, (), events, secrets, uses=uses.text.strip())
        if run is None or run.kind != "scalar" or (shell is not None and _NO_SHELL.match(shell.text)):
            continue
        rows = tuple(
            (number, _EXPRESSION.sub("${GITHUB_EXPRESSION}", row)) for number, row in yaml.script(run, lines)
        )
        told = at.text if at is not None and at.kind == "scalar" else folder
        yield Step(where.at(line=run.line), name, rows, events, secrets, told, variables)


def _events(node: yaml.Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    if node.kind == "map":
        return tuple(name for name, _ in node.entries())
    return tuple(one.text for one in node.scalars())


def _default_folder(node: yaml.Node) -> str:
    for name in ("defaults", "run", "working-directory"):
        inner = node.get(name)
        if inner is None:
            return ""
        node = inner
    return node.text if node.kind == "scalar" else ""


def _env(node: yaml.Node) -> dict[str, str]:
    env = node.get("env")
    rows = env.entries() if env is not None else ()
    return {name: value.text for name, value in rows if value.kind == "scalar" and "$" not in value.text}


def _texts(node: yaml.Node) -> Iterator[str]:
    """Every text below a node; each node once, however often an alias repeats it."""
    todo, seen = [node], set[int]()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.kind == "scalar":
            yield one.text
        todo += one.items
        todo += [value for _, value in one.pairs]


def _scalars(node: yaml.Node) -> Iterator[yaml.Node]:
    """The lines of a script: a text, or texts in lists in lists."""
    if node.kind == "scalar":
        yield node
    for item in node.items:
        yield from _scalars(item)


def dvc(data: bytes, where: Location) -> Iterator[Step]:
    """The commands of a ``dvc.yaml``, each stage a job. Raises Malformed where this is no YAML."""
    documents, lines = yaml.load(data)
    for root in documents[:1]:
        stages = root.get("stages")
        for name, stage in stages.entries() if stages is not None else ():
            body = stage.get("do") or stage
            command, folder = body.get("cmd"), body.get("wdir")
            for text in _scalars(command) if command is not None else ():
                rows = tuple(yaml.script(text, lines))
                told = folder.text if folder is not None else ""
                yield Step(where.at(line=text.line), name, rows, folder=told)
