"""GitLab CI files: the images that jobs run in, and what their scripts install.

Law: GitLab's "CI/CD YAML syntax reference".
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.manifests.compose import reference
from scanner.manifests.installers import Installs
from scanner.model import Reading
from scanner.readers import yaml

_SCRIPTS = ("before_script", "script", "after_script")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The images and installs of all jobs. Variables count where the file itself sets them.

    A reference that cannot be read is COV-005 at its line. Raises Malformed where this is no YAML.
    """
    documents, lines = yaml.load(data)
    for root in documents:
        known = _variables(root)
        parts = [value for name, value in root.entries() if value.kind == "map" and name != "variables"]
        for part in [root, *parts]:
            yield from _job(part, {**known, **_variables(part)}, where, lines)


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
