"""Pure: what the chains say of how a finding comes to pass, and what only two findings together say.

Measurements are for the judge to fold: a file that the tree's own code loads takes effect by itself, one that
nothing loads may wait. Whether the latter may be believed is the caller's to say: a stranger's tree would
bring along code that loads something else.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from sbom.model import Component, Inventory, Location
from sbom.record import record, replace
from scanner import versions
from scanner.model import (
    Artifact,
    Chain,
    Evidence,
    LoadSite,
    Measurement,
    Resolved,
    Unresolved,
    factors,
)
from scanner.text import visible

# What each kind of loader can be pointed at; a loader of any other kind may read any file.
_FAMILIES: Final[Mapping[str, frozenset[str]]] = {
    "keras": frozenset({"keras", "keras-config", "hdf5"}),
    "keras-config": frozenset({"keras-config"}),
    "hdf5": frozenset({"hdf5", "keras"}),
    "tensorflow-savedmodel": frozenset({"tensorflow", "tensorflow-savedmodel"}),
    "onnx": frozenset({"onnx"}),
    "gguf": frozenset({"gguf"}),
    "safetensors": frozenset({"safetensors"}),
    "xgboost": frozenset({"xgboost"}),
    "lightgbm": frozenset({"lightgbm"}),
    "catboost": frozenset({"catboost"}),
    "yaml": frozenset({"yaml"}),
    "data": frozenset(),
    "openml": frozenset(),
    "configuration": frozenset({"yaml-config"}),
    "": frozenset(),
}
_LOADED = {"import": "on import", "run": "when it is run", "call": "in a function", "": "somewhere"}


@record
class Bypass:
    """Releases of a library whose safe mode did not hold for some formats."""

    library: str
    formats: tuple[str, ...]
    mode: str
    since: str
    fixed: str
    ids: tuple[str, ...]


@cache
def bypasses() -> tuple[Bypass, ...]:
    """The known ways around the safe modes of loading libraries."""
    read = json.loads(Path(__file__).with_name("bypasses.json").read_bytes())
    return tuple(
        Bypass(
            *(row["library"], tuple(row["formats"]), row["mode"], row["since"], row["fixed"]),
            tuple(row["ids"]),
        )
        for row in read["bypasses"]
    )


def place(where: Location) -> str:
    """A place on one line, with nothing in it that moves a cursor."""
    return visible(str(where), limit=200)


def said(chain: Chain) -> str:
    """``train.py:18 loads this on import``, and the pipeline that comes there."""
    how = "when its cell is run" if chain.where.cell is not None else _LOADED[chain.reached]
    text = f"{place(chain.where)} loads this {how}"
    if chain.runs:
        text += f", and {place(chain.runs[0].where)} runs it"
    return text


def is_automatic(chain: Chain) -> bool:
    """Whether it happens without anybody asking for it: a load that is known to be safe runs nothing."""
    return chain.unsafe is not False and (chain.reached in {"import", "run"} or bool(chain.runs))


def _urgency(chain: Chain) -> tuple[object, ...]:
    """Which of several lines is named: one that a pipeline runs, then one that an import reaches."""
    return (
        not chain.runs,
        chain.where.cell is not None,
        list(_LOADED).index(chain.reached),
        chain.where.order,
    )


def triggers(
    chains: Iterable[Chain],
    artifacts: Sequence[Artifact],
    sites: Sequence[LoadSite],
    *,
    whole: bool,
) -> Iterator[Measurement]:
    """What the chains measured of the trigger, for each file of the tree by its SHA-256.

    ``automatic`` for what the tree's own code loads. ``dormant`` only with ``whole`` (all code of the tree
    was read, and the tree is one's own), for files that no line loads, in a tree whose code loads some file
    by name, while no load of such a format is left unresolved.
    """
    digests: dict[str, set[str]] = {}
    for artifact in artifacts:
        for digest in artifact.digests:
            if digest.algorithm == "sha256" and not artifact.where.member:
                digests.setdefault(artifact.where.path, set()).add(digest.value)
    loaded: set[str] = set()
    best: dict[str, Chain] = {}
    for chain in chains:
        for where in chain.artifacts:
            loaded |= digests.get(where.path, set())
            if is_automatic(chain):
                for value in digests.get(where.path, ()):
                    best[value] = min(chain, best.get(value, chain), key=_urgency)
    for value in sorted(best):
        yield Measurement(value, "trigger", "automatic", said(best[value]))
    if not whole or not loaded:
        return
    because = "no line of code here loads it, and every load of its format names what it loads"
    for artifact in artifacts:
        if artifact.where.member or not artifact.format or _may_be_loaded(artifact, sites):
            continue
        for value in sorted(digests.get(artifact.where.path, set()) - loaded):
            yield Measurement(value, "trigger", "dormant", because, covered=True)


def _may_be_loaded(artifact: Artifact, sites: Iterable[LoadSite]) -> bool:
    """Whether a load that does not tell its file, or that names files by a pattern, may mean this one."""
    for site in sites:
        target = site.target
        open_ = isinstance(target, Unresolved) or (
            target.kind == "path" and (not target.held or target.by_default or "*" in target.name)
        )
        formats = _FAMILIES.get(site.format)
        if open_ and (formats is None or artifact.format in formats):
            return True
    return False


def combined(
    evidence: Iterable[Evidence],
    sites: Iterable[LoadSite],
    chains: Iterable[Chain],
    inventory: Inventory,
) -> tuple[Evidence, ...]:
    """The evidence, where what only two facts together say replaces what each says alone.

    CMB-001 takes the place of SRC-003 where nothing fixes what is fetched; ADV-006 that of the advisory
    behind it, where a line here relies on the safe mode that does not hold.
    """
    sites, chains = tuple(sites), tuple(chains)
    bare = {(site.where, _subject(site)): site for site in sites if _is_bare(site)}
    relied = tuple(_relied(sites, chains, inventory))
    done = {(one.component, name) for one in relied for name in (one.subject, *one.aliases)}
    rows: list[Evidence] = []
    for each in evidence:
        site = bare.get((each.where, each.subject)) if each.rule == "SRC-003" else None
        if site is not None:
            rows.append(_open_from_outside(each, site))
        elif not (
            each.rule.startswith("ADV-00")
            and any((each.component, name) in done for name in (each.subject, *each.aliases))
        ):
            rows.append(each)
    return (*rows, *relied)


def _is_bare(site: LoadSite) -> bool:
    """Whether a load may run code, and what it loads comes from outside with nothing that fixes its bytes."""
    target = site.target
    if site.unsafe is not True or not isinstance(target, Resolved) or site.format == "hub-code":
        return False
    if target.kind == "url":
        return True
    return target.kind == "hub" and not _is_commit(target.name.partition("@")[2])


def _subject(site: LoadSite) -> str:
    """What a finding of this load is about: a line may load one of several things."""
    name = site.target.name if isinstance(site.target, Resolved) else site.function
    return f"{visible(site.api.lstrip('?.'))}:{name}"


def _is_commit(text: str) -> bool:
    return len(text) == 40 and all(char in "0123456789abcdef" for char in text.lower())


def _open_from_outside(each: Evidence, site: LoadSite) -> Evidence:
    name = visible(site.target.name, limit=120) if isinstance(site.target, Resolved) else ""
    message = f"{each.message}; nothing fixes the bytes of {name}, and nobody vouches for them"
    return replace(each, rule="CMB-001", message=message)


def _relied(sites: Iterable[LoadSite], chains: Iterable[Chain], inventory: Inventory) -> Iterator[Evidence]:
    """ADV-006: one for each library and way around its safe mode, at the first line that relies on it."""
    components = {one.ref: one for one in inventory.components}
    by_place = {(chain.where, chain.api): chain for chain in chains}
    found: dict[tuple[str, Bypass], list[tuple[LoadSite, Chain]]] = {}
    for site in sites:
        chain = by_place.get((site.where, site.api.lstrip("?.")))
        library = components.get(chain.library) if chain is not None else None
        if chain is None or library is None or site.unsafe is True:
            continue
        for bypass in bypasses():
            if site.library == bypass.library and site.format in bypass.formats and _holds(bypass, library):
                found.setdefault((library.ref, bypass), []).append((site, chain))
    for (ref, bypass), rows in found.items():
        yield _around(components[ref], bypass, rows)


def _holds(bypass: Bypass, library: Component) -> bool:
    key, since, fixed = (versions.pep440(text) for text in (library.version, bypass.since, bypass.fixed))
    return key is not None and since is not None and fixed is not None and since <= key < fixed


def _around(library: Component, bypass: Bypass, rows: Sequence[tuple[LoadSite, Chain]]) -> Evidence:
    site, chain = rows[0]
    more = f" and {len(rows) - 1} more lines" if len(rows) > 1 else ""
    message = (
        f"{library.name} {visible(library.version, limit=60)}: {bypass.ids[0]} gets around {bypass.mode}, on "
        f"which {place(site.where)}{more} relies to load {visible(chain.loads, limit=120)}"
    )
    automatic = any(chain.runs or chain.reached in {"import", "run"} for _, chain in rows)
    outside = any(
        isinstance(site.target, Resolved) and site.target.kind in {"hub", "url"} for site, _ in rows
    )
    trigger, ref = "automatic" if automatic else "on_use", place(site.where)
    measured = (
        factors(ref=ref, trigger=trigger, origin="unverified")
        if outside
        else factors(ref=ref, trigger=trigger)
    )
    where = library.seen[0] if library.seen else site.where
    remedy = f"{library.name}=={bypass.fixed} or later mends it; then scan the files anew"
    return Evidence(
        "ADV-006", where, message, bypass.ids[0], measured, remedy, library.ref, aliases=bypass.ids[1:]
    )
