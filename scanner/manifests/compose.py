"""Docker compose files: the images that their services run, and what their commands install or serve.

Law: the Compose Specification, "Services top-level elements" and "Interpolation".
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.manifests import images, lists
from scanner.manifests.installers import Installs
from scanner.model import Evidence, Reading
from scanner.readers import yaml
from scanner.text import visible


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The image of each service that builds none of its own; a variable takes the default beside it.

    A reference that cannot be read is COV-005 at its line. Raises Malformed where this is no YAML.
    """
    documents, lines = yaml.load(data)
    for root in documents:
        services = root.get("services")
        for _, service in services.entries() if services is not None else ():
            node = service.get("image")
            if node is not None and node.kind == "scalar" and node.text and service.get("build") is None:
                yield reference(node, where)
            command = [one for key in ("entrypoint", "command") if (one := service.get(key)) is not None]
            if command:
                image = node.text if node is not None else ""
                yield from lists.command(command, Installs(where), lines, image)


def reference(node: yaml.Node, where: Location, known: dict[str, str] | None = None) -> Reading:
    """The image that a scalar names, or COV-005."""
    text = images.expanded(node.text.strip(), known or {})
    found = images.declared(text, where.at(line=node.line))
    if found is not None:
        return found
    shown = visible(text, limit=160)
    why = "it holds a variable without a default" if "$" in text else "it is no reference to an image"
    return Evidence(
        "COV-005",
        where.at(line=node.line),
        f"This image is not known: {shown} ({why})",
        subject=f"{where.path}: {shown}",
        remedy="Name the image by its digest, or give the variable a default that does.",
    )
