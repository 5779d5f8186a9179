"""What a hub's cache outside of the tree says, where the user names one: commits, and pinned tokenizers.

Never by default: the same tree is to give the same report on every machine.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from sbom.model import Component, Fact, FactName, Kind
from sbom.record import record, replace
from scanner import vouched
from scanner.errors import ConfigurationError
from scanner.files.hub import HubCache
from scanner.integrity import held
from scanner.model import Consulted, Evidence, Stock
from scanner.policy import Policy
from scanner.survey import Survey
from scanner.text import visible

NAME = "hub-cache"
_OPEN = frozenset({"SRC-005", "DAT-001"})
_SHOWN = 3


@record
class Answer:
    """The evidence and the stock with what the cache says, and the cache as a source of the report."""

    evidence: tuple[Evidence, ...]
    stock: Stock
    sources: tuple[Consulted, ...] = ()


def consulted(
    root: Path, folder: Path, policy: Policy, seen: Survey, stock: Stock, evidence: tuple[Evidence, ...]
) -> Answer:
    """The evidence and the stock with what the cache in ``folder`` adds."""
    cache = HubCache(folder)
    where = visible(str(folder), limit=300)
    if not cache.is_there:
        return Answer(evidence, stock, (Consulted(NAME, "absent", detail=f"there is no folder {where}"),))
    components, commits = _resolved(stock.inventory.components, cache)
    known = replace(stock, inventory=replace(stock.inventory, components=components))
    told = tuple(_told(row, commits) for row in evidence)
    asked = sum(one.ecosystem == "huggingface" and not one.version for one in components)
    count = sum(map(len, commits.values()))
    detail = f"{where}: it has a commit for {count:,} of {asked:,} references without one"
    return Answer(
        (*told, *_tokenizers(root, policy, seen, components, cache)),
        known,
        (Consulted(NAME, "current", records=count, detail=detail),),
    )


def _resolved(
    components: Iterable[Component], cache: HubCache
) -> tuple[tuple[Component, ...], dict[str, dict[str, str]]]:
    """The components, each without a commit with the cache's own; and those commits by name and branch."""
    found: dict[str, dict[str, str]] = {}
    rows: list[Component] = []
    for one in components:
        asked = one.specifier or held.BRANCH
        commit = cache.commit(one.name, asked) if one.ecosystem == "huggingface" and not one.version else ""
        if commit:
            found.setdefault(one.name, {})[asked] = commit
            fact = Fact(FactName.CACHED, f"{asked}: {commit}")
            one = replace(one, facts=(*one.facts, fact))  # noqa: PLW2901  (the same component, told more of)
        rows.append(one)
    return tuple(rows), found


def _told(row: Evidence, commits: Mapping[str, Mapping[str, str]]) -> Evidence:
    """A reference that may move, with the commit that the cache has: it stays open, and is easier to pin."""
    if row.rule not in _OPEN or not row.subject.startswith("hub:"):
        return row
    name = row.subject.removeprefix("hub:")
    known = commits.get(name) or (commits.get(f"datasets/{name}") if row.rule == "DAT-001" else None)
    if not known:
        return row
    said = ", ".join(
        f"{visible(asked, limit=80)} at commit {known[asked]}" for asked in sorted(known)[:_SHOWN]
    )
    return replace(row, message=f"{row.message}; the hub's cache here has {said}")


def _tokenizers(
    root: Path, policy: Policy, seen: Survey, components: Iterable[Component], cache: HubCache
) -> Iterator[Evidence]:
    """WGT-005 and WGT-006 of tokenizers that are pinned to a commit which the cache has."""
    from scanner.pairs import pinned
    from scanner.pairs.shelf import Shelf

    names = {*pinned.FILES, *pinned.TEMPLATES}
    if not root.is_dir() or not any(path.rpartition("/")[2] in names for path in seen.paths):
        return
    lock = None
    with suppress(ConfigurationError):  # whoever holds the files to it says that it cannot be used
        known = vouched.read(vouched.beside(root, policy))
        lock = known.lock if known is not None else None
    files = lock.files if lock is not None else {}
    pins = dict(_pins(components))
    for address, one in (lock.references if lock is not None else {}).items():
        if one.revision and address.startswith("pkg:huggingface/"):
            name = address.removeprefix("pkg:huggingface/").partition("?")[0].partition("@")[0]
            pins.setdefault(name, one.revision)

    def read(repository: str, commit: str, name: str) -> bytes | None:
        return cache.read(repository, commit, name, policy.limits.text_bytes)

    sources = {path: (entry.source, entry.revision) for path, entry in files.items()}
    yield from pinned.check(Shelf(seen, root, policy.limits), sources, pins, read)


def _pins(components: Iterable[Component]) -> Iterator[tuple[str, str]]:
    for one in components:
        if one.ecosystem == "huggingface" and one.version and one.kind is Kind.MODEL:
            yield one.name, one.version
