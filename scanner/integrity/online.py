"""``--verify-index``: every locked release asked after at the indexes that it comes from.

What is sent: the names of packages, one a question, and our own name. Names that match ``private`` never are.
Only PyPI, or the mirror in its place, and the indexes that the user names are asked: a scanned file does not
decide who learns what a machine scans.
Each index is asked for itself, credentials come from .netrc for its own host alone, and an index that does
not answer costs its packages their check, which the report says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from time import monotonic, time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from sbom.model import Kind, Location
from sbom.purl import normalise_name
from sbom.record import field, mutable, record
from scanner import net
from scanner.errors import ConfigurationError, LimitReached, Malformed
from scanner.integrity import confusion, kept, provenance, published
from scanner.integrity.confusion import Answer, Question
from scanner.integrity.index import ACCEPT, File, parse
from scanner.integrity.kept import Kept
from scanner.integrity.provenance import Provenance
from scanner.integrity.published import Locked
from scanner.limits import Limits
from scanner.model import Consulted, Declaration, Evidence, IndexUse, OriginKind, Stock, Verified
from scanner.net import pages
from scanner.text import visible

if TYPE_CHECKING:
    from requests import Session

PYPI = "https://pypi.org/simple"
_PYPI_HOSTS = frozenset({"pypi.org", "pypi.python.org", "files.pythonhosted.org", "www.pypi.org"})
_FRESH_S = 600.0  # a page this young is not asked for again: PyPI itself says as much


@record
class Asking:
    """How to ask. ``pypi``: a mirror in PyPI's place; ``private``: patterns of names that never leave.

    ``indexes``: the others that may be asked.
    """

    now: datetime
    pypi: str = ""
    private: tuple[str, ...] = ()
    cooldown_days: int = 0
    limits: Limits = field(default_factory=Limits)
    indexes: tuple[str, ...] = ()


def verify(stock: Stock, asking: Asking) -> Verified:
    """Holds every Python package of the stock that an index serves against what that index published.

    Raises ConfigurationError where an address that the user gave is none.
    """
    wanted, notices = _wanted(stock, asking)
    may = {pypi(asking.pypi), *allowed(asking.indexes)}
    questions = sorted(
        {(url, normalise_name(one.component.name)) for one, urls in wanted for url in urls if url in may}
    )
    if len(questions) > asking.limits.index_names:
        most = f"{asking.limits.index_names:,}"
        notices.append(f"--verify-index asks about {most} names at most; the rest was not asked")
    answers = _ask(questions[: asking.limits.index_names], asking.limits)
    strange = {
        (url, normalise_name(one.component.name)) for one, urls in wanted for url in urls if url not in may
    }
    answers.update((question, _NOT_ALLOWED) for question in sorted(strange))
    evidence: list[Evidence] = []
    hashes: dict[str, int] = {}
    publishers = _publishers(wanted, answers, asking.limits)
    kept.tidy()
    evidence += publishers.evidence
    for one, urls in wanted:
        said = [(url, answers.get((url, normalise_name(one.component.name)), _NOT_ASKED)) for url in urls]
        evidence += _judged(one, said, asking, hashes)
    sources = [*_sources(answers, hashes, asking), *publishers.sources]
    evidence += _unanswered(wanted, answers)
    shared = confusion.check(stock, wanted, answers, confusion.Asked(_at(asking), pypi(asking.pypi)))
    return Verified(
        (*evidence, *shared.evidence), tuple(sources), (*notices, *shared.notices), shared.settled
    )


_NOT_ASKED = Answer(failed="not asked: past the limit of names")
_NOT_ALLOWED = Answer(failed="not asked: only the scanned files name it; --ask-index URL allows it")
_TOO_LATE = Answer(failed="not asked: the time was over")


# --- who is asked about what ------------------------------------------------------------------------------


def pypi(address: str) -> str:
    """PyPI, or the mirror that stands in its place. Raises ConfigurationError where that is no address."""
    try:
        return net.base(address or PYPI)
    except net.Refused as error:
        raise ConfigurationError(f"--index-url: {error}") from error


def allowed(addresses: Sequence[str]) -> tuple[str, ...]:
    """The indexes that the user lets be asked. Raises ConfigurationError where one is no address."""
    found: list[str] = []
    for address in addresses:
        try:
            found.append(net.base(address))
        except net.Refused as error:
            raise ConfigurationError(f"--ask-index: {error}") from error
    return tuple(found)


def _at(asking: Asking) -> Callable[[str], str]:
    """The address that is asked for an index as the tree writes it: the user's own, with what opens it."""
    main, users = pypi(asking.pypi), {_bare(url): url for url in allowed(asking.indexes)}

    def at(url: str) -> str:
        address = _address(url, main)
        return users.get(_bare(address), address)

    return at


def _bare(url: str) -> str:
    """An address without the user and password in it."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2].lower()}{slash}{path.rstrip('/')}"


def _wanted(stock: Stock, asking: Asking) -> tuple[list[tuple[Locked, tuple[str, ...]]], list[str]]:
    """Each component with the addresses to ask, in order; and what is left out."""
    main = pypi(asking.pypi)
    at = _at(asking)
    private = [normalise_name(each) for each in asking.private]
    found: list[tuple[Locked, tuple[str, ...]]] = []
    out: dict[str, set[str]] = {}
    for component in stock.inventory.components:
        if component.kind is not Kind.LIBRARY or not component.ecosystem:
            continue
        rows = [row for row in stock.declarations.get(component.ref, ()) if _is_served(row)]
        name = normalise_name(component.name)
        if not rows:
            continue
        if component.ecosystem != "pypi":
            out.setdefault("of other ecosystems, whose indexes are not asked", set()).add(component.name)
        elif any(fnmatchcase(name, pattern) for pattern in private):
            out.setdefault("that match `private`", set()).add(name)
        else:
            urls, links = _addresses(rows, component.project, stock, main)
            urls = tuple(dict.fromkeys(map(at, urls)))
            usable = tuple(url for url in urls if _is_usable(url))
            if len(usable) < len(urls) or not urls:
                out.setdefault("whose index has no address that can be asked here", set()).add(name)
            if usable and len(usable) == len(urls):
                found.append((Locked(component, tuple(rows), links), usable))
    notices = [
        f"--verify-index left out {len(names)} package{'s' if len(names) > 1 else ''} {why}"
        for why, names in sorted(out.items())
    ]
    return found, notices


def _is_served(row: Declaration) -> bool:
    """Whether an index is to serve what the line asks for."""
    if row.own or row.installed or row.constraint:
        return False
    return row.origin is None or row.origin.kind is OriginKind.INDEX


def _addresses(
    rows: Sequence[Declaration], project: str, stock: Stock, main: str
) -> tuple[tuple[str, ...], bool]:
    """The indexes that may serve the component, the first one first; and whether a page of links may, too."""
    own = dict.fromkeys(
        _address(row.origin.url, main) for row in rows if row.origin is not None and row.origin.url
    )
    if own:
        return tuple(own), False
    uses = [use for use in stock.indexes if project in stock.projects.get(use.where.path, (".",))]
    uses = [use for use in uses if not use.trusted and not use.explicit]
    if any(row.locked for row in rows):
        uses = [use for use in uses if use.where.path in {row.where.path for row in rows}]
    instead = [use for use in uses if not use.extra]
    urls = [_address(use.url, main) for use in (*instead[:1], *_extra(uses)) if not use.flat]
    if not instead:
        urls.insert(0, main)
    return tuple(dict.fromkeys(urls)), any(use.flat for use in uses)


def _extra(uses: Sequence[IndexUse]) -> list[IndexUse]:
    return [use for use in uses if use.extra]


def _address(url: str, main: str) -> str:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return url
    return main if host in _PYPI_HOSTS else url.rstrip("/")


def _is_usable(url: str) -> bool:
    if "$" in url or "*" in url:
        return False
    try:
        net.base(url)
    except net.Refused:
        return False
    return True


# --- asking -----------------------------------------------------------------------------------------------


@mutable
class _Index:
    """One index under way: how fast it may be asked, and how often it failed after each other."""

    pace: pages.Pace
    failures: int = 0
    last: str = ""


def _ask(questions: Sequence[Question], limits: Limits) -> dict[Question, Answer]:
    """The answers, by question; each index a few at a time, and no more once it has failed too often."""
    if not questions:
        return {}
    indexes = {url: _Index(pages.Pace(limits.index_per_second)) for url, _ in questions}
    end = monotonic() + limits.index_total_s
    count = min(limits.index_at_once, len(questions))

    def work(share: Sequence[Question]) -> list[tuple[Question, Answer]]:
        with net.session() as opened:
            return [
                (each, _answer(opened, each, indexes[each[0]], limits) if monotonic() < end else _TOO_LATE)
                for each in share
            ]

    with ThreadPoolExecutor(count) as threads:
        shares = threads.map(work, [questions[at::count] for at in range(count)])
        return {question: answer for share in shares for question, answer in share}


def _answer(opened: "Session", question: Question, index: _Index, limits: Limits) -> Answer:
    url, name = question
    if index.failures >= limits.index_failures:
        return Answer(failed=index.last)
    try:
        answer = _listing(opened, f"{url}/{quote(name)}/", name, index, limits)
    except (net.NetworkError, Malformed, LimitReached) as error:
        why = error.reason if isinstance(error, net.NetworkError) else str(error)
        if isinstance(error, net.NetworkError):
            index.failures, index.last = index.failures + 1, why
        return Answer(failed=why)
    index.failures = 0
    return answer


def _listing(opened: "Session", url: str, name: str, index: _Index, limits: Limits) -> Answer:
    held = kept.read(url, limits)
    if held is not None and time() - held.asked < _FRESH_S:
        return Answer(parse(held.body, held.kind, name, net.shown(url), limits))
    page = pages.get(
        opened, url, accept=ACCEPT, etag=held.etag if held else "", limits=limits, pace=index.pace
    )
    if page.status == 404:
        return Answer()
    if page.status == 304 and held is not None:
        listing = parse(held.body, held.kind, name, net.shown(url), limits)
        kept.write(url, Kept(held.body, held.kind, held.etag, time()))
        return Answer(listing)
    listing = parse(page.body, page.kind, name, page.url, limits)  # what cannot be read is not kept
    kept.write(url, Kept(page.body, page.kind, page.etag, time()))
    return Answer(listing)


# --- who published what -----------------------------------------------------------------------------------


def _publishers(
    wanted: Sequence[tuple[Locked, tuple[str, ...]]], answers: Mapping[Question, Answer], limits: Limits
) -> Verified:
    """What the attestations say of the releases that the project itself asks for."""
    looked: list[tuple[Locked, File, File | None]] = []
    for one, urls in wanted:
        name = normalise_name(one.component.name)
        said = [answers.get((url, name), _NOT_ASKED).listing for url in urls]
        listings = [listing for listing in said if listing is not None]
        worth = one.component.direct or any(row.publishers for row in one.rows)
        pair = published.attested(one, listings) if worth and one.component.version else None
        hosts = {urlsplit(listing.url).netloc for listing in listings}
        if pair is not None and urlsplit(pair[0].provenance).netloc in hosts:
            looked.append((one, *pair))
    addresses = {each.provenance: each.name for _, file, before in looked for each in (file, before) if each}
    said_of = _provenances(sorted(addresses)[: limits.index_names], limits)
    evidence: list[Evidence] = []
    attested: set[str] = set()
    failed = 0
    for one, file, before in looked:
        now = said_of.get(file.provenance)
        if now is None:
            failed += 1
            continue
        attested.update(now.publishers)
        earlier = said_of.get(before.provenance) if before is not None else None
        evidence += published.by_publisher(one, file, now, before, earlier)
    if not looked:
        return Verified()
    names = sorted(attested)
    detail = (
        f"{len(looked) - failed} of {len(looked)} direct releases are attested, signatures not verified, by "
    )
    detail += ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    state = "partial" if failed else "current"
    return Verified(
        tuple(evidence), (Consulted("index attestations", state, "", len(looked), detail=detail),)
    )


def _provenances(addresses: Sequence[str], limits: Limits) -> dict[str, Provenance]:
    """The provenance at each address that gave one."""
    if not addresses:
        return {}
    pace = pages.Pace(limits.index_per_second)
    end = monotonic() + limits.index_total_s
    count = min(limits.index_at_once, len(addresses))

    def work(share: Sequence[str]) -> dict[str, Provenance]:
        found: dict[str, Provenance] = {}
        with net.session() as opened:
            for url in share:
                try:
                    held = kept.read(url, limits)
                    if held is None and monotonic() > end:
                        continue
                    if held is None:  # of one file it never changes
                        page = pages.get(opened, url, accept=provenance.ACCEPT, limits=limits, pace=pace)
                        held = Kept(page.body, page.kind, page.etag, time())
                        found[url] = provenance.parse(page.body)
                        kept.write(url, held)
                    else:
                        found[url] = provenance.parse(held.body)
                except (net.NetworkError, Malformed, LimitReached):
                    continue  # counted by who asked: the address is in no answer
        return found

    with ThreadPoolExecutor(count) as threads:
        shares = threads.map(work, [addresses[at::count] for at in range(count)])
        return {url: said for share in shares for url, said in share.items()}


# --- what is made of the answers --------------------------------------------------------------------------


def _judged(
    one: Locked, said: Sequence[tuple[str, Answer]], asking: Asking, hashes: dict[str, int]
) -> Iterator[Evidence]:
    listings = [answer.listing for _, answer in said if answer.listing is not None]
    failed = [url for url, answer in said if answer.failed]
    if not listings:
        if not failed and not one.elsewhere:
            yield published.absent(one, [net.shown(url) for url, _ in said])
        return
    # What an index might have told that gave no answer counts against nobody.
    compared = published.compare(one, listings, asking.cooldown_days, asking.now, complete=not failed)
    for url, answer in said:
        if answer.listing is not None:
            hashes[url] = hashes.get(url, 0) + compared.hashes
    yield from compared.evidence
    if compared.unknown:
        yield _not_compared(one, compared.unknown)


def _not_compared(one: Locked, why: str) -> Evidence:
    return Evidence(
        "HSH-013",
        one.rows[0].where,
        f"The hashes of {one.release} were not held against its index: {why}",
        subject=f"index:{one.component.purl}",
        component=one.component.ref,
    )


def _sources(
    answers: Mapping[Question, Answer], hashes: Mapping[str, int], asking: Asking
) -> Iterator[Consulted]:
    by_index: dict[str, list[Answer]] = {}
    for (url, _), answer in answers.items():
        by_index.setdefault(url, []).append(answer)
    if not by_index:
        yield Consulted("index", "unused", detail="no package of an index was found to ask about")
    for url, said in sorted(by_index.items()):
        failed = sorted(answer.failed for answer in said if answer.failed)
        good = len(said) - len(failed)
        state = "current" if not failed else "partial" if good else "failed"
        detail = f"{good} of {len(said)} names answered, {hashes.get(url, 0)} hashes held against it"
        if failed:
            detail += f"; {len(failed)} not: {visible(failed[0], limit=200)}"
        as_of = asking.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield Consulted(f"index {visible(net.shown(url), limit=160)}", state, as_of, good, detail=detail)


def _unanswered(
    wanted: Sequence[tuple[Locked, tuple[str, ...]]], answers: Mapping[Question, Answer]
) -> Iterator[Evidence]:
    """HSH-013 once for each index that did not answer about everything."""
    lost: dict[str, dict[str, tuple[Location, str]]] = {}
    for one, urls in wanted:
        name = normalise_name(one.component.name)
        for url in urls:
            answer = answers.get((url, name), _NOT_ASKED)
            if answer.failed:
                lost.setdefault(url, {}).setdefault(name, (one.rows[0].where, answer.failed))
    for url, names in sorted(lost.items()):
        shown = visible(net.shown(url), limit=160)
        place, why = min(names.values(), key=lambda pair: pair[0].order)
        few = ", ".join(visible(name, limit=60) for name in sorted(names)[:8])
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        yield Evidence(
            "HSH-013",
            place,
            f"{shown} gave no answer about {few}{more} ({visible(why, limit=200)}): what is locked was held "
            "against nothing",
            subject=f"index:{net.shown(url)}",
            remedy="Scan again with --verify-index when the index answers; credentials come from .netrc, a "
            "mirror of PyPI from --index-url.",
        )
