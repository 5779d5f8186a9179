"""Names that more than one index serves, judged by what the indexes themselves say of each other. Pure.

Law: PEP 708: ``tracks`` of a second index names the project that its own is the same as, and
``alternate-locations`` of the first one names the places where the same project may be found, too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from sbom.model import Component
from sbom.purl import normalise_name
from sbom.record import record
from scanner.integrity.index import Listing
from scanner.integrity.published import Locked
from scanner.model import Evidence, IndexUse, Stock, Verified, factors
from scanner.text import visible

_RULE = "DEP-003"
_PYPI = "https://pypi.org/simple"
_SHOWN = 5

Question = tuple[str, str]  # an index' address, a normalised name


@record
class Answer:
    """What one index said of one name: a listing, nothing by that name (None), or why there is no answer."""

    listing: Listing | None = None
    failed: str = ""


@record
class Asked:
    """Which address was asked for an index of the tree: ``at`` maps the tree's word; ``main`` is PyPI's."""

    at: Callable[[str], str]
    main: str


@record
class _Name:
    """One name whose bytes nothing ties down, as two indexes answered about it: addresses and answers."""

    one: Locked
    name: str
    urls: tuple[str, str]
    first: Answer
    second: Answer

    @property
    def is_shared(self) -> bool:
        """Whether both serve it."""
        return self.first.listing is not None and self.second.listing is not None


def check(
    stock: Stock,
    wanted: Sequence[tuple[Locked, tuple[str, ...]]],
    answers: Mapping[Question, Answer],
    asked: Asked,
) -> Verified:
    """DEP-003 by what two indexes said of each name, in the place of what their mere names gave reason for.

    ``settled`` has the uses of a second index about whose every name both answered, and of which none can be
    had from a stranger.
    """
    evidence: list[Evidence] = []
    notices: list[str] = []
    settled: set[tuple[str, str]] = set()
    for use in stock.indexes:
        if not use.extra or use.explicit or use.trusted or use.flat:
            continue
        names = list(_names(use, asked.at(use.url), stock, wanted, answers))
        if not names or any(row.first.failed or row.second.failed for row in names):
            continue
        tracked = [row for row in names if row.is_shared and _is_declared(row, asked.main)]
        strange = [row for row in names if row.is_shared and row not in tracked]
        if tracked:
            notices.append(_told(use, tracked))
        if not strange and not any(_can_be_taken(row, asked.main) for row in names):
            settled.add((_RULE, f"{use.where.path}: {use.url}"))
        evidence += [_both(row, use) for row in strange]
    return Verified(tuple(evidence), (), tuple(notices), frozenset(settled))


def _names(
    use: IndexUse,
    second: str,
    stock: Stock,
    wanted: Sequence[tuple[Locked, tuple[str, ...]]],
    answers: Mapping[Question, Answer],
) -> Iterator[_Name]:
    projects = frozenset(stock.projects.get(use.where.path, (".",)))
    for one, urls in wanted:
        first = next((url for url in urls if url != second), "")
        if one.component.project not in projects or second not in urls or not first:
            continue
        if _is_tied(one.component, stock):
            continue
        name = normalise_name(one.component.name)
        missing = Answer(failed="not asked")
        said = (answers.get((url, name), missing) for url in (first, second))
        yield _Name(one, name, (first, second), *said)


def _can_be_taken(row: _Name, main: str) -> bool:
    """Whether a stranger can register the name where anybody can: one index serves it, and PyPI does not."""
    serving = [url for url, said in zip(row.urls, (row.first, row.second), strict=True) if said.listing]
    return len(serving) == 1 and main not in serving


def _told(use: IndexUse, rows: Sequence[_Name]) -> str:
    shown = ", ".join(visible(row.name, limit=60) for row in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    address = visible(use.url, limit=160)
    return f"{address} and the first index say that they serve the same project (PEP 708): {shown}{more}"


def _is_tied(component: Component, stock: Stock) -> bool:
    return any(row.hashes for row in stock.declarations.get(component.ref, ()))


def _is_declared(row: _Name, main: str) -> bool:
    """Whether one of the two says that the other's project is its own."""
    first, second = (_places([f"{url}/{row.name}", *_also(url, row.name, main)]) for url in row.urls)
    tracks = row.second.listing.elsewhere if row.second.listing is not None else ()
    beside = row.first.listing.elsewhere if row.first.listing is not None else ()
    return bool(_places(tracks) & first) or bool(_places(beside) & second)


def _also(url: str, name: str, main: str) -> Iterator[str]:
    """What a mirror stands for: indexes name PyPI itself."""
    if url == main:
        yield f"{_PYPI}/{name}"


def _places(addresses: Sequence[str]) -> set[tuple[str, str]]:
    """Addresses of projects in one spelling: host and path, the name normalised."""
    found: set[tuple[str, str]] = set()
    for address in addresses:
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        except ValueError:
            continue  # what is no address names no place
        folder, _, name = parts.path.rstrip("/").rpartition("/")
        if parts.scheme in {"http", "https"} and host:
            found.add((f"{parts.scheme}://{host}{folder}", normalise_name(unquote(name))))
    return found


def _both(row: _Name, use: IndexUse) -> Evidence:
    assert row.first.listing is not None and row.second.listing is not None  # noqa: S101, PT018  (shared)
    name = visible(row.name, limit=80)
    here, there = visible(row.first.listing.url, limit=160), visible(row.second.listing.url, limit=160)
    order = "the first one serves it" if use.first_wins else "whichever offers the higher version serves it"
    mild = (
        factors(effect="weakens", trigger="on_use", exploitation="none", ref=there) if use.first_wins else ()
    )
    return Evidence(
        _RULE,
        row.one.rows[0].where,
        f"{here} and {there} both serve {name}, neither says that it is the same project, and {order}",
        f"{row.one.component.purl}: {use.url}",
        mild,
        f"Give {name} its index (uv: explicit = true with [tool.uv.sources]), or lock it with its hashes.",
        row.one.component.ref,
    )
