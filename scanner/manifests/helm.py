"""Helm charts: what a ``Chart.yaml`` depends on, and the images that its values name.

Law: Helm's documentation, "Charts" (Chart.yaml, Chart.lock, requirements.yaml) and "Values Files". A chart's
templates are read as Kubernetes objects.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from scanner.limits import Limits
from scanner.manifests import images, urls
from scanner.manifests.kubernetes import helm_image
from scanner.model import Declaration, Origin, OriginKind, Reading
from scanner.readers import yaml

_LIMITS = Limits()
_EXACT = re.compile(r"[v=]?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?", re.ASCII)
_IMAGE_KEY = re.compile(r"image|.*[a-z]Image|.*_image", re.ASCII)


def parse_chart(data: bytes, where: Location) -> Iterator[Reading]:
    """The charts that a chart depends on: exact where a lock (or the version itself) is.

    Raises Malformed where it is no YAML.
    """
    documents, _ = yaml.load(data)
    for root in documents[:1]:
        locked = root.get("digest") is not None and root.get("generated") is not None
        wanted = root.get("dependencies")
        for one in wanted.items[: _LIMITS.declarations] if wanted is not None else ():
            name, version, repository = (one.get(key) for key in ("name", "version", "repository"))
            if name is None or name.kind != "scalar" or not name.text:
                continue
            text = version.text.strip() if version is not None else ""
            exact = text.lstrip("=") if _EXACT.fullmatch(text) else ""
            place = repository.text.strip() if repository is not None else ""
            if place.startswith("file:"):
                continue  # a chart of this very tree
            url, had = urls.without_credentials(place)
            yield Declaration(
                name.text,
                where.at(line=(version or name).line),
                ecosystem="helm",
                version=exact,
                specifier="" if exact else text,
                locked=locked,
                origin=Origin(OriginKind.INDEX, url, had_credentials=had),
            )


def parse_values(data: bytes, where: Location) -> Iterator[Reading]:
    """The images that a values file names: whole under a key called image, or in parts under one.

    Raises Malformed where it is no YAML.
    """
    documents, _ = yaml.load(data)
    for root in documents[:1]:
        if root.get("kind") is not None and root.get("apiVersion") is not None:
            return  # an object of its own, read as such
        seen: set[int] = set()
        todo = [("", root)]
        while todo:
            above, node = todo.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            keys = {key for key, _ in node.entries()}
            if "repository" in keys and (
                keys & {"tag", "digest", "pullPolicy"} or _IMAGE_KEY.fullmatch(above)
            ):
                yield from helm_image(node, where)
            for key, value in node.entries():
                if value.kind == "scalar" and _IMAGE_KEY.fullmatch(key):
                    yield from _whole(node, value, where)
            todo += [(above, item) for item in reversed(node.items)]
            todo += [(key.text, value) for key, value in reversed(node.pairs)]


def _whole(around: yaml.Node, node: yaml.Node, where: Location) -> Iterator[Reading]:
    """An image in one text; its tag may stand beside it."""
    text = node.text.strip()
    tag = around.get("tag") or around.get("imageTag")
    named = "/" in text or ":" in text or tag is not None
    if tag is not None and tag.kind == "scalar" and tag.text and ":" not in text.rpartition("/")[2]:
        text += f":{tag.text}"
    found = images.declared(text, where.at(line=node.line)) if named else None
    if found is not None:
        yield found
