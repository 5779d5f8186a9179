"""Ray: runtime environments in cluster, job and Serve configurations, and what cluster files set up.

Law: Ray's documentation, "Environment Dependencies" (``runtime_env``), "Cluster YAML Configuration Options",
"Serve Config Files"; KubeRay's ``runtimeEnvYAML`` and ``serveConfigV2``, which hold YAML in a text.
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import lists
from scanner.manifests.compose import reference
from scanner.manifests.installers import Installs
from scanner.model import Reading
from scanner.readers import yaml

_LIMITS = Limits()
_COMMANDS = (
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
)
_TEXTS = frozenset({"runtimeEnvYAML", "serveConfigV2"})
_DEPTH = 3  # YAML in a text in YAML


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What every runtime environment of a file asks for, and what a cluster's nodes run and install.

    Nothing of a file that has neither. Raises Malformed where it is no YAML.
    """
    documents, lines = yaml.load(data)
    for root in documents:
        if _is_cluster(root):
            yield from _cluster(root, where, lines)
        yield from _environments(root, where, 0)


def _is_cluster(root: yaml.Node) -> bool:
    keys = {key for key, _ in root.entries()}
    return "cluster_name" in keys and bool(keys & {"provider", "available_node_types", "docker", "auth"})


def _cluster(root: yaml.Node, where: Location, lines: list[str]) -> Iterator[Reading]:
    installs = Installs(where)
    for key in _COMMANDS:
        node = root.get(key)
        if node is not None:
            yield from lists.scripts(node, installs, lines)
    kinds = root.get("available_node_types")
    for _, one in kinds.entries() if kinds is not None else ():
        own = one.get("worker_setup_commands")
        if own is not None:
            yield from lists.scripts(own, installs, lines)
        yield from _image(one.get("docker"), where)
    yield from installs.end()
    yield from _image(root.get("docker"), where)


def _image(docker: yaml.Node | None, where: Location) -> Iterator[Reading]:
    for key in ("image", "head_image", "worker_image"):
        node = docker.get(key) if docker is not None else None
        if node is not None and node.kind == "scalar" and node.text:
            yield reference(node, where)


def _environments(root: yaml.Node, where: Location, depth: int) -> Iterator[Reading]:
    seen: set[int] = set()
    read: set[int] = set()  # environments, whoever shares them
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:  # an anchor that many aliases share
            continue
        seen.add(id(node))
        for key, value in node.entries():
            if key == "runtime_env" and value.kind == "map" and id(value) not in read:
                read.add(id(value))
                yield from _environment(value, where, read)
            elif key in _TEXTS and value.kind == "scalar":
                yield from _inner(key, value, where, depth)
        todo += [*reversed(node.items), *(value for _, value in reversed(node.pairs))]


def _inner(key: str, node: yaml.Node, where: Location, depth: int) -> Iterator[Reading]:
    """The YAML inside a text; its lines are those of the file where it stands as a block."""
    if depth >= _DEPTH:
        raise LimitReached("nesting", allowed=_DEPTH)
    shift = node.line if node.style in {"|", ">"} else node.line - 1
    try:
        documents, _ = yaml.load(b"\n" * shift + node.text.encode("utf-8", "surrogatepass"))
    except Malformed:
        yield lists.bad(node, where, f"{key} holds no YAML")
        return
    for root in documents:
        if key == "runtimeEnvYAML" and root.kind == "map":
            yield from _environment(root, where, set())
        yield from _environments(root, where, depth + 1)


def _environment(node: yaml.Node, where: Location, read: set[int]) -> Iterator[Reading]:
    """What one environment asks for. A list that many of them share says the same at the same lines: once."""
    for key in ("pip", "uv"):
        packages = node.get(key)
        if packages is not None and id(packages) not in read:
            read.add(id(packages))
            yield from lists.pip(packages, where)
    conda = node.get("conda")
    if conda is not None and id(conda) not in read:
        read.add(id(conda))
        yield from lists.conda_environment(conda, where)
    container = node.get("container")
    for image in (node.get("image_uri"), container.get("image") if container is not None else None):
        if image is not None and image.kind == "scalar" and image.text:
            yield reference(image, where)
