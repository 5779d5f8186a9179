"""Kubernetes objects of any kind: images of containers, what their commands install, where models come from.

Law: the Kubernetes API reference ("Container", "EphemeralContainer", "ImageVolumeSource"), kustomize's
``images``, Argo's and Tekton's steps, Kubeflow's pipeline IR (``deploymentSpec.executors``), KServe's
``storageUri``. Kinds that nobody here has heard of are read all the same: they too call an image ``image``.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.record import replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import hub, images, lists, urls
from scanner.manifests.installers import Installs
from scanner.model import Evidence, Origin, OriginKind, Reading, Tracked, factors
from scanner.readers import decoding, yaml
from scanner.text import visible


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LIMITS = Limits()
_CONTAINERS = _words(
    "containers initContainers ephemeralContainers container script steps sidecars template executors"
)
_NOT_OBJECTS = frozenset({"CustomResourceDefinition"})  # they describe kinds, and hold none
_REMOTE = frozenset({"s3", "gs", "http", "https", "hdfs", "webhdfs", "abfs", "wasbs"})
_IMAGE_LINE = re.compile(r"(?:-\s+)?[\"']?(?:image|storageUri)[\"']?\s*:\s*(\S.*)", re.ASCII)
_SHOWN = 6


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The images, installs and models of every object of the file, in the order of its lines.

    A template (``{{ … }}``) is read line by line for images that are written out, and what is filled in is
    one COV-005. Raises Malformed for what is neither, LimitReached past the bytes of one file.
    """
    if b"{{" in data:
        text, _ = decoding.decode(data[: _LIMITS.project_bytes])
        if _is_template(text):
            yield from _template(text, where)
            if len(data) > _LIMITS.project_bytes:
                raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
            return
    documents, lines = yaml.load(data)
    for root in documents:
        if _is_object(root):
            yield from _Reader(where, lines).read(root)


def _is_template(text: str) -> bool:
    """Whether the file is filled in before it is YAML: a directive stands outside of quotes and blocks."""
    for row in text.split("\n"):
        bare = row.strip().removeprefix("- ")
        if bare.startswith("{{"):
            return True
        _, colon, value = bare.partition(": ")
        if colon and value.lstrip().startswith("{{"):
            return True
    return False


def _is_object(root: yaml.Node) -> bool:
    kind = root.get("kind") if root.kind == "map" else None
    if root.kind == "map" and root.get("deploymentSpec") is not None and root.get("pipelineInfo") is not None:
        return True  # a pipeline of Kubeflow, compiled
    return (
        kind is not None
        and kind.kind == "scalar"
        and root.get("apiVersion") is not None
        and kind.text not in _NOT_OBJECTS
    )


class _Reader:
    def __init__(self, where: Location, lines: list[str]) -> None:
        self.where = where
        self.lines = lines
        self._seen: set[int] = set()
        self._count = 0

    def read(self, root: yaml.Node) -> Iterator[Reading]:
        """Everything in one object. An anchor that many aliases share is read once."""
        kind = root.get("kind")
        if kind is not None and kind.text == "Kustomization":
            yield from _kustomized(root, self.where)
            return
        if kind is not None and kind.text == "List":
            for item in _items(root.get("items")):
                if _is_object(item):
                    yield from self.read(item)
            return
        todo = [("", root)]
        while todo:
            above, node = todo.pop()
            if id(node) in self._seen:
                continue
            self._seen.add(id(node))
            if node.kind == "map":
                for row in self._map(node, in_containers=above in _CONTAINERS):
                    self._count += 1
                    if self._count > _LIMITS.declarations:
                        raise LimitReached("declarations", allowed=_LIMITS.declarations)
                    yield row
            todo += [(above, item) for item in reversed(node.items)]
            todo += [(key.text, value) for key, value in reversed(node.pairs)]

    def _map(self, node: yaml.Node, *, in_containers: bool) -> Iterator[Reading]:
        image = node.get("image")
        command = [one for key in ("command", "args") if (one := node.get(key)) is not None]
        if image is not None and image.kind == "map":
            yield from helm_image(image, self.where)
            named = image.get("reference")  # an image mounted as a volume
            if named is not None:
                yield from self._image(named, certain=True)
        elif image is not None:
            yield from self._image(image, certain=in_containers or bool(command))
        if image is not None and command:
            yield from lists.command(command, Installs(self.where), self.lines, image.text)
        script = node.get("source") or node.get("script")  # Argo's and Tekton's
        if image is not None and script is not None and script.kind == "scalar" and _is_shell(node, script):
            yield from Installs(self.where).read(yaml.script(script, self.lines))
        for key in ("storageUri", "modelUri"):
            place = node.get(key)
            if place is not None and place.kind == "scalar":
                yield from stored(place, self.where)

    def _image(self, node: yaml.Node, *, certain: bool) -> Iterator[Reading]:
        text = node.text.strip()
        if node.kind != "scalar" or not text:
            return
        found = images.declared(text, self.where.at(line=node.line))
        if found is not None and (certain or "/" in text or ":" in text):
            yield found
        elif found is None and certain:
            yield lists.bad(node, self.where, "it is no reference to an image")


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.items if node is not None else []


def _is_shell(node: yaml.Node, script: yaml.Node) -> bool:
    command = node.get("command")
    words = command.scalars() if command is not None else []
    if words:
        return words[0].text.rpartition("/")[2] in {"sh", "bash", "dash", "ash", "zsh"}
    first = script.text.partition("\n")[0]
    return not first.startswith("#!") or "sh" in first


def _kustomized(root: yaml.Node, where: Location) -> Iterator[Reading]:
    """The images that a kustomization puts in the place of others."""
    for one in _items(root.get("images")):
        name = one.get("newName") or one.get("name")
        tag, digest = one.get("newTag"), one.get("digest")
        if (
            name is None
            or name.kind != "scalar"
            or (tag is None and digest is None and one.get("newName") is None)
        ):
            continue
        text = name.text + (f":{tag.text}" if tag is not None and tag.text else "")
        text += f"@{digest.text}" if digest is not None and digest.text else ""
        line = next(node.line for node in (digest, tag, name) if node is not None)
        found = images.declared(text, where.at(line=line))
        yield found if found is not None else lists.bad(name, where, "it is no reference to an image")


def stored(node: yaml.Node, where: Location) -> Iterator[Reading]:
    """The model at a storage address: of a hub, an image, or a file in a bucket."""
    text = node.text.strip()
    scheme = urls.scheme_of(text)
    at = where.at(line=node.line)
    if scheme == "oci":
        found = images.declared(text.removeprefix("oci://"), at)
        if found is not None:
            yield found
    elif scheme == "hf":
        named = hub.reference(text, at)
        if named is not None:
            yield named
    elif scheme in _REMOTE:
        clean, had = urls.without_credentials(text)
        yield Tracked(clean, at, kind="model", origin=Origin(OriginKind.URL, clean, had_credentials=had))


# --- values that templates are filled with -----------------------------------------------------------------


def helm_image(node: yaml.Node, where: Location) -> Iterator[Reading]:
    """The image whose parts stand in a mapping: registry, repository (or name), tag, digest."""
    parts = {
        key: value
        for key, value in node.entries()
        if value.kind == "scalar" and value.text not in {"", "null", "~"}
    }
    name = parts.get("repository") or (parts.get("name") if "tag" in parts or "digest" in parts else None)
    if name is None or urls.scheme_of(name.text) in {"http", "https", "git", "ssh"}:
        return
    registry, tag, digest = parts.get("registry"), parts.get("tag"), parts.get("digest")
    text = f"{registry.text.rstrip('/')}/{name.text}" if registry is not None else name.text
    text += f":{tag.text}" if tag is not None else ""
    text += f"@{digest.text}" if digest is not None else ""
    line = next(one.line for one in (digest, tag, name) if one is not None)
    found = images.declared(text, where.at(line=line))
    if found is None:
        yield lists.bad(name, where, "with its tag it is no reference to an image")
    elif tag is None and digest is None:
        # The chart's own version fills the gap, and that is not known here.
        yield replace(found, version="", origin=Origin(OriginKind.INDEX, images.full_name(found.name)))
    else:
        yield found


# --- templates ---------------------------------------------------------------------------------------------


def _template(text: str, where: Location) -> Iterator[Reading]:
    filled: list[tuple[int, str]] = []
    for number, row in enumerate(text.split("\n"), 1):
        found = _IMAGE_LINE.fullmatch(row[: _LIMITS.literal_bytes].strip())
        if found is None:
            continue
        value = found.group(1).partition(" #")[0].strip().strip("\"'")
        if "{{" in value:
            filled.append((number, value))
            continue
        image = images.declared(value, where.at(line=number))
        if image is not None:
            yield image
    if filled:
        yield _templated(filled, where)


def _templated(rows: list[tuple[int, str]], where: Location) -> Evidence:
    """That somebody's values decide which images these are: nothing is wrong, and nothing was checked."""
    shown = "; ".join(f"line {number}: {visible(value, limit=120)}" for number, value in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    count = "1 image is" if len(rows) == 1 else f"{len(rows)} images are"
    return Evidence(
        "COV-005",
        where.at(line=rows[0][0]),
        f"{count} filled in from values when this template is rendered: {shown}{more}",
        subject=f"{where.path}: templated images",
        factors=factors(effect="hygiene", ref="a template"),
        remedy="Scan the rendered manifests too (`helm template . > rendered.yaml`).",
    )
