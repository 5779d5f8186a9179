"""SkyPilot tasks: what their set-up and run commands install, and the image they run in.

Law: SkyPilot's documentation, "Task YAML" (``resources.image_id``, ``setup``, ``run``, ``envs``).
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.manifests import images, lists
from scanner.manifests.installers import Installs
from scanner.model import Reading
from scanner.readers import yaml


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_RESOURCES = _words(
    "accelerators cloud infra region zone cpus memory instance_type use_spot image_id disk_size "
    "disk_tier ports any_of ordered job_recovery spot_recovery autostop labels"
)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The images and installs of each task of the file. Nothing of a file that is no task.

    Raises Malformed where it is no YAML.
    """
    documents, lines = yaml.load(data)
    for root in documents:
        resources = root.get("resources")
        commands = [node for key in ("setup", "run") if (node := root.get(key)) is not None]
        if root.kind != "map" or not commands or any(node.kind != "scalar" for node in commands):
            continue
        keys = {key for key, _ in resources.entries()} if resources is not None else set()
        if not keys & _RESOURCES and root.get("file_mounts") is None and root.get("num_nodes") is None:
            continue
        installs = Installs(where, _variables(root))
        yield from _images(resources, where)
        for node in commands:
            yield from lists.scripts(node, installs, lines)
        yield from installs.end()


def _variables(root: yaml.Node) -> dict[str, str]:
    envs = root.get("envs")
    return {
        name: value.text
        for name, value in (envs.entries() if envs is not None else ())
        if value.kind == "scalar" and "$" not in value.text and value.text not in {"null", "~"}
    }


def _images(resources: yaml.Node | None, where: Location) -> Iterator[Reading]:
    if resources is None:
        return
    several = [resources]
    for key in ("any_of", "ordered"):
        node = resources.get(key)
        several += node.items if node is not None else []
    for one in several:
        image = one.get("image_id")
        for node in [image, *(value for _, value in image.entries())] if image is not None else ():
            # An image of the cloud (ami-…, a path of a project) is no container.
            if node.kind == "scalar" and node.text.startswith("docker:"):
                text = node.text.removeprefix("docker:")
                found = images.declared(text, where.at(line=node.line))
                yield found if found is not None else lists.bad(node, where, "it is no reference to an image")
