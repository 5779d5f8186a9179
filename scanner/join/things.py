"""Pure: what code takes from outside, as components of the inventory, each with every line that names it."""

import posixpath
from collections.abc import Iterable

from sbom import purl
from sbom.model import Component, Inventory, Kind, Location, Relation
from sbom.record import replace
from scanner.model import Chain, CodeReading, LoadSite, Reference, Resolved

_SPACES = {"hub-dataset": "datasets/", "hub-space": "spaces/"}
_KINDS = {"hub-dataset": Kind.DATA, "hub-space": Kind.APPLICATION, "torchhub": Kind.MODEL, "nltk": Kind.DATA}
_DATA = frozenset({"csv", "parquet", "json", "jsonl", "arrow", "tsv", "txt", "tfrecord"})
_ADDRESSES = ("http://", "https://", "s3://", "gs://", "gcs://", "az://", "abfs://", "ftp://", "wasb://")


def address(reference: Reference) -> str:
    """The package URL of what a reference names."""
    name, revision = reference.name.strip("/"), reference.revision
    if reference.kind == "torchhub":
        owner, _, repository = name.partition("/")
        return purl.github(owner, repository, revision)
    if reference.kind == "url":
        return _url(name)
    if reference.kind in {"spacy", "nltk"}:
        return purl.generic(name, revision, namespace=reference.kind)
    return purl.hub(f"{_SPACES.get(reference.kind, '')}{name}", revision)


def address_of(target: Resolved) -> str:
    """The package URL of what a load resolved to; empty where that is a file of the tree."""
    if target.kind == "hub":
        name, _, revision = target.name.partition("@")
        return purl.hub(name, revision) if name and "…" not in name else ""
    return _url(target.name) if target.kind == "url" and is_address(target.name) else ""


def is_address(text: str) -> bool:
    """Whether a text is an address from which a file can be taken."""
    return text.lower().startswith(_ADDRESSES) and len(text) <= 2_000


def _url(text: str) -> str:
    bare = text.partition("#")[0]
    name = posixpath.basename(bare.partition("?")[0].rstrip("/")) or bare
    return purl.generic(name, download_url=_public(bare))


def _public(url: str) -> str:
    """The address without what may be a secret: a user's name and password, a signed query."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def with_references(inventory: Inventory, reading: CodeReading) -> Inventory:
    """The inventory with what the code takes from outside; what a manifest names, too, gets more places."""
    found: dict[str, Component] = {}
    for reference in reading.references:
        _add(found, address(reference), _component(reference))
    for site in reading.sites:
        if isinstance(site.target, Resolved) and (url := address_of(site.target)):
            _add(found, url, _loaded(site, site.target, url))
    if not found:
        return inventory
    known: list[Component] = []
    for one in inventory.components:
        extra = found.pop(one.purl, None)
        known.append(one if extra is None else replace(one, seen=_places((*one.seen, *extra.seen))))
    return replace(
        inventory, components=tuple(sorted((*known, *found.values()), key=lambda component: component.ref))
    )


def _add(found: dict[str, Component], url: str, one: Component) -> None:
    before = found.get(url)
    if before is None:
        found[url] = replace(one, ref=url, purl=url)
        return
    specifier = before.specifier if before.specifier == one.specifier else ""
    found[url] = replace(before, specifier=specifier, seen=_places((*before.seen, *one.seen)))


def _places(places: Iterable[Location]) -> tuple[Location, ...]:
    return tuple(sorted(dict.fromkeys(places), key=lambda where: where.order))


def _component(reference: Reference) -> Component:
    hub = reference.kind.startswith("hub-")
    name = f"{_SPACES.get(reference.kind, '')}{reference.name}"
    pinned = reference.is_pinned
    origin = f"https://huggingface.co/{name}" if hub else ""
    if reference.kind == "torchhub":
        origin = f"https://github.com/{reference.name}"
    elif reference.kind == "url":
        origin = _public(reference.name)
        name = posixpath.basename(origin) or origin
    return Component(
        "",
        name,
        _KINDS.get(reference.kind, _kind_of_url(name) if reference.kind == "url" else Kind.MODEL),
        version=reference.revision.lower() if pinned else "",
        specifier="" if pinned else reference.revision,
        ecosystem="huggingface" if hub else "",
        origin=origin,
        seen=(reference.where,),
    )


def _loaded(site: LoadSite, target: Resolved, url: str) -> Component:
    if target.kind == "hub":
        name, _, revision = target.name.partition("@")
        return _component(Reference("hub-model", name, site.where, revision, site.api))
    return _component(Reference("url", target.name, site.where, "", url))


def _kind_of_url(name: str) -> Kind:
    return Kind.DATA if name.rpartition(".")[2].lower() in _DATA else Kind.MODEL


def with_chains(inventory: Inventory, chains: Iterable[Chain]) -> Inventory:
    """The inventory, where files that code loads tell by which line, and need the library that loads them."""
    lines: dict[str, list[Location]] = {}
    needs: dict[str, set[str]] = {}
    for chain in chains:
        for place in chain.artifacts:
            lines.setdefault(place.path, []).append(chain.where)
            needs.setdefault(place.path, set()).add(chain.library)
        if chain.component and chain.library:
            needs.setdefault(chain.component, set()).add(chain.library)
    components: list[Component] = []
    relations = set(inventory.relations)
    for one in inventory.components:
        paths = {where.path for where in one.seen if where.line is None and where.cell is None}
        if one.ecosystem or one.kind not in {Kind.MODEL, Kind.DATA, Kind.FILE}:
            paths = set()
        more = [where for path in sorted(paths) for where in lines.get(path, ())]
        targets = {ref for path in (*paths, one.ref) for ref in needs.get(path, ()) if ref and ref != one.ref}
        relations |= {Relation(one.ref, ref) for ref in targets}
        components.append(replace(one, seen=_places((*one.seen, *more))) if more else one)
    return replace(inventory, components=tuple(components), relations=tuple(sorted(relations)))
