"""BentoML: what a ``bentofile.yaml`` packs, and what a built ``bento.yaml`` holds.

Law: BentoML's documentation, "Bento build options" (python, conda, docker, models) and the fields of
``BentoInfo`` as the library writes them.
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import Malformed
from scanner.manifests import hub, images, lists
from scanner.manifests.compose import reference
from scanner.model import Declaration, IndexUse, ProjectName, Reading
from scanner.readers import yaml

_KEYS = frozenset({"service", "python", "docker", "conda", "models", "image", "bentoml_version", "include"})


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The packages, images, system packages and models of a Bento.

    An entry that cannot be read is COV-005 at its line. Raises Malformed where it is no YAML mapping.
    """
    documents, _ = yaml.load(data)
    root = documents[0] if documents else None
    if root is None or root.kind != "map" or not _KEYS & {key for key, _ in root.entries()}:
        raise Malformed(
            "bentofile", line=1, found="none of its keys", wanted="service, python, docker, models"
        )
    name = root.get("name")
    if name is not None and name.kind == "scalar" and name.text:
        yield ProjectName(where.at(line=name.line), name=name.text[:200])
    python = root.get("python")
    if python is not None and python.kind == "map":
        yield from _python(python, where)
    conda = root.get("conda")
    if conda is not None and conda.kind == "map":
        file = conda.get("environment_yml")
        if file is not None and file.text:
            yield lists.included(file, where)
        yield from lists.conda_environment(conda, where)
    for key in ("docker", "image"):
        docker = root.get(key)
        if docker is not None and docker.kind == "map":
            yield from _docker(docker, where)
    models = root.get("models")
    for item in models.items if models is not None else ():
        yield from _model(item, where)


def _python(node: yaml.Node, where: Location) -> Iterator[Reading]:
    packages = node.get("packages")
    if packages is not None:
        yield from lists.pip(packages, where)
    file = node.get("requirements_txt")
    if file is not None and file.kind == "scalar" and file.text not in {"", "null"}:
        yield lists.included(file, where)
    for key, extra in (("index_url", False), ("extra_index_url", True)):
        one = node.get(key)
        if one is not None:
            yield from lists.index(one, where, extra=extra)
    links, trusted = node.get("find_links"), node.get("trusted_host")
    for one in links.scalars() if links is not None else ():
        yield from lists.index(one, where, extra=True)
    for one in trusted.scalars() if trusted is not None else ():
        if one.text not in {"null", "~"}:
            yield IndexUse(one.text, where.at(line=one.line), explicit=True, trusted=True)


def _docker(node: yaml.Node, where: Location) -> Iterator[Reading]:
    base = node.get("base_image")
    if base is not None and base.kind == "scalar" and base.text not in {"", "null", "~"}:
        yield reference(base, where)
    system = node.get("system_packages")
    for one in system.scalars() if system is not None else ():
        name, _, version = one.text.strip().partition("=")
        if name and not name.startswith("$"):
            yield Declaration(
                name, where.at(line=one.line), ecosystem="apt", version=version,
                specifier=f"={version}" if version else "",
            )  # fmt: skip


def _model(item: yaml.Node, where: Location) -> Iterator[Reading]:
    """A model of the store by its tag, or one of a hub by its name and revision."""
    at = item.get("tag") or item.get("model_id") if item.kind == "map" else item
    if at is None or at.kind != "scalar" or not at.text:
        return
    registry = item.get("registry") if item.kind == "map" else None
    if registry is not None and registry.text == "huggingface":
        revision, named = item.get("revision"), item.get("model_id") or at
        found = hub.reference(
            named.text, where.at(line=named.line), revision.text if revision is not None else ""
        )
        if found is not None:
            yield found
        return
    name, _, version = at.text.strip().partition(":")
    if images.declared(name, where) is None or "/" in name:
        yield lists.bad(at, where, "it is no tag of a model")
        return
    exact = "" if version == "latest" else version
    yield Declaration(
        name,
        where.at(line=at.line),
        ecosystem="bentoml",
        version=exact,
        specifier=version if not exact else "",
    )
