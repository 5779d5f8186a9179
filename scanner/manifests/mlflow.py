"""MLflow: model descriptions (``MLmodel``), projects (``MLproject``) and ``python_env.yaml``.

Law: MLflow's documentation, "MLflow Models" (Storage Format, Model Signature) and "MLflow Projects".
What a model needs is written in files beside it, and they are pulled in.
"""

import json
from collections.abc import Iterator
from itertools import islice

from sbom.model import Fact, FactName, Location, Step
from sbom.record import replace
from scanner.errors import Malformed
from scanner.limits import Limits
from scanner.manifests import requirements
from scanner.manifests.compose import reference
from scanner.manifests.installers import Installs
from scanner.model import Described, Include, ProjectName, Reading, Stage
from scanner.readers import yaml
from scanner.text import visible

_LIMITS = Limits()
_PYTHON = "python_function"
_MAX_FLAVORS = 100


def parse_model(data: bytes, where: Location) -> Iterator[Reading]:
    """The environment files that an ``MLmodel`` names, and what it says of the model in its folder.

    Raises Malformed where it is no YAML, or has no flavors.
    """
    root = _mapping(data, "mlmodel", "flavors")
    flavors = root.get("flavors")
    if flavors is None or flavors.kind != "map":
        raise Malformed("mlmodel", line=root.line, found="no flavors", wanted="the keys of an MLmodel file")
    facts: list[Fact] = []
    for name, flavor in list(flavors.entries())[:_MAX_FLAVORS]:
        facts += _flavor(name, flavor)
    python = flavors.get(_PYTHON)
    if python is not None:
        yield from _environment(python.get("env"), where)
    facts += _identity(root) + _signature(root.get("signature"))
    yield Described(where, tuple(dict.fromkeys(facts)), name=_name(root, where), below=True)


def _mapping(data: bytes, law: str, wanted: str) -> yaml.Node:
    documents, _ = yaml.load(data)
    if not documents or documents[0].kind != "map":
        raise Malformed(law, line=1, found="no mapping", wanted=wanted)
    return documents[0]


def _environment(node: yaml.Node | None, where: Location) -> Iterator[Reading]:
    """The file of each environment manager: one name, or one for each manager."""
    if node is None:
        return
    named = [node] if node.kind == "scalar" else [value for _, value in node.entries()]
    for one in named:
        if one.kind == "scalar" and one.text:
            yield Include(one.text, where.at(line=one.line))


def _flavor(name: str, flavor: yaml.Node) -> Iterator[Fact]:
    if name != _PYTHON:
        yield Fact(FactName.FRAMEWORK, short(name))
    for key, value in flavor.entries():
        if value.kind != "scalar" or not value.text:
            continue
        if key.endswith("_version"):
            yield Fact(
                FactName.FRAMEWORK_VERSION, f"{short(key.removesuffix('_version'))} {short(value.text)}"
            )
        elif key == "loader_module":
            yield Fact(FactName.LOADER, short(value.text))
        elif key == "code" and value.text not in {"null", "~"}:
            yield Fact(FactName.LOADER, f"code: {short(value.text)}")
        elif key in {"task", "instance_type", "source_model_name"}:
            kinds = {"task": FactName.TASK, "instance_type": FactName.ARCHITECTURE}
            yield Fact(kinds.get(key, FactName.BASE_MODEL), short(value.text))


def short(text: str) -> str:
    """A value as a fact: on one line, and no longer than a name may be."""
    return visible(text.strip(), limit=_LIMITS.message_chars)


def _identity(root: yaml.Node) -> list[Fact]:
    found: list[Fact] = []
    for key in ("model_uuid", "run_id", "model_id"):
        node = root.get(key)
        if node is not None and node.kind == "scalar" and node.text not in {"", "null", "~"}:
            found.append(Fact(FactName.IDENTIFIER, f"mlflow {key}: {short(node.text)}"))
    version = root.get("mlflow_version")
    if version is not None and version.text:
        found.append(Fact(FactName.FRAMEWORK_VERSION, f"mlflow {short(version.text)}"))
    size = root.get("model_size_bytes")
    if size is not None and size.text.isascii() and size.text.isdigit() and len(size.text) < 20:
        found.append(Fact(FactName.SIZE, int(size.text)))
    return found


def _signature(node: yaml.Node | None) -> list[Fact]:
    """The columns or tensors of a signature: its schemas are JSON in a text."""
    found: list[Fact] = []
    for key, name in (("inputs", FactName.INPUTS), ("outputs", FactName.OUTPUTS)):
        side = node.get(key) if node is not None else None
        if side is None or side.kind != "scalar" or not 0 < len(side.text) <= _LIMITS.line_chars:
            continue
        try:
            columns: object = json.loads(side.text)
        except (ValueError, RecursionError):
            continue  # MLflow itself would refuse it; nothing of it is software
        rows = [_column(one) for one in columns[:_MAX_FLAVORS]] if isinstance(columns, list) else []
        if text := ", ".join(filter(None, rows)):
            found.append(Fact(name, short(text)))
    return found


def _column(column: object) -> str:
    if not isinstance(column, dict):
        return ""
    kind = column.get("type")
    tensor = column.get("tensor-spec")
    if kind == "tensor" and isinstance(tensor, dict):
        kind = f"{tensor.get('dtype')}{tensor.get('shape')}"
    name = column.get("name")
    return f"{name}: {kind}" if name else str(kind)


def _name(root: yaml.Node, where: Location) -> str:
    """What the model is called: by its folder, else by its place in the run."""
    folder = where.path.rpartition("/")[0].rpartition("/")[2]
    told = root.get("artifact_path")
    text = folder or (told.text if told is not None and told.kind == "scalar" else "")
    return visible(text, limit=200) or "model"


def parse_project(data: bytes, where: Location) -> Iterator[Reading]:
    """What an ``MLproject`` file runs in, and what the commands of its entry points install.

    An image that cannot be read is COV-005 at its line. Raises Malformed where it is no YAML mapping.
    """
    documents, lines = yaml.load(data)
    if not documents or documents[0].kind != "map":
        raise Malformed("mlproject", line=1, found="no mapping", wanted="name, entry_points")
    root = documents[0]
    name = root.get("name")
    if name is not None and name.kind == "scalar" and name.text:
        yield ProjectName(where.at(line=name.line), name=short(name.text))
    for key in ("conda_env", "python_env"):
        yield from _environment(root.get(key), where)
    docker = root.get("docker_env")
    image = docker.get("image") if docker is not None else None
    if image is not None and image.kind == "scalar" and image.text:
        yield reference(image, where)
    points = root.get("entry_points")
    installs = Installs(where)
    for title, point in points.entries() if points is not None else ():
        command = point.get("command")
        if command is not None and command.kind == "scalar":
            yield from installs.read(yaml.script(command, lines))
            steps = (Step(commands=(command.text.strip(),)),)
            yield Stage(where.at(line=point.line), title, steps, parameters=tuple(_parameters(point)))


def _parameters(point: yaml.Node) -> Iterator[tuple[str, str]]:
    """What an entry point can be told, each with its default where it has one."""
    rows = point.get("parameters")
    for name, value in islice(rows.entries(), _MAX_FLAVORS) if rows is not None else ():
        default = value.get("default")
        plain = default is not None and default.kind == "scalar" and default.text not in {"null", "~"}
        yield name, default.text if default is not None and plain else ""


def parse_python_env(data: bytes, where: Location) -> Iterator[Reading]:
    """What a ``python_env.yaml`` asks for: each entry is a line of a requirements file of its own.

    Raises Malformed where it is no YAML; of a mapping without its keys nothing is read.
    """
    documents, _ = yaml.load(data)
    for root in documents[:1]:
        for key, group in (("build_dependencies", "build-system"), ("dependencies", "")):
            node = root.get(key)
            for one in node.scalars() if node is not None else ():
                for row in requirements.parse(
                    one.text.encode("utf-8", "surrogatepass"), Location(where.path)
                ):
                    yield moved(row, where.at(line=one.line), group)


def moved(row: Reading, where: Location, group: str = "") -> Reading:
    """What one entry of a list says, at the line of the entry."""
    from scanner.model import Declaration

    changes = {"group": group} if group and isinstance(row, Declaration) else {}
    return replace(row, where=where, **changes)
