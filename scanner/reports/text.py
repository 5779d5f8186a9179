"""A report for people: the verdict first, then what to do, then what nobody looked at.

The order is that of the questions which people ask: may I load this, what would run, what else is wrong
and how do I mend it, what did you not look at, how old is your knowledge. Words instead of codes: a
finding says "can run code when loaded", the taxonomies stay in the JSON.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from sbom.model import Component, Location
from scanner.model import LEVELS, Decision, Finding, NotChecked, ProofState, Report, Status
from scanner.reports import linked
from scanner.reports.page import Page, Style
from scanner.text import visible

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

# Rules whose message says what a loader would execute; all others are about the file, not about the run.
RUNS_ON_LOAD = frozenset({"ART-001", "ART-002", "ART-008", "ART-009", "ART-011"})

_SHOWN = (8, 50)  # rows of one group, by how often -v was given; a third -v shows all

OUTCOMES = {
    "recognised": "known format, not read in depth by this version",
    "absent": "only a pointer is here, not the file itself",
    "malformed": "breaks the rules of its own format, so that loaders may read it differently",
    "limited": "a limit ended the reading before the file did",
    "changed": "changed while it was being read",
    "crashed": "our reader failed on it (a defect of ours)",
    "late": "took longer than the deadline allows",
    "died": "the process that read it was killed",
    "unreadable": "the system would not give us the bytes",
    "missing-dependency": "the program that decodes it is not installed",
    "missing": "it stands in the lock, and is not here",
    "unlocked": "nothing in the lock to compare it with",
}

DURATIONS = re.compile(r"P(?:T\d+H|\d+D)")
EXITS = {
    0: "nothing at or above {gate}",
    1: "findings at or above {gate}",
    2: "the scan could not be run as asked",
    3: "nothing at or above {gate}, but something that should have been checked was not",
}

_NOBODY_SAID = frozenset({"unknown-policy", "rule-default"})
_RUNS = 3  # ways in which pipelines come to one line
_ALONG = 4  # findings along one chain
_IDS = 5  # names of one advisory; the message of a range tells the worst of many
_PACKAGES = 30  # of one level
_RUNNING = 40  # files whose load would run something: each is a reason of its own not to load it
_FINGERPRINT = 11  # its version and eight digits: enough to ask for it
_RELEASES: dict[str, Style] = {"eligible": "good", "ineligible": "bad"}
_EXIT_STYLES: dict[int, Style] = {0: "good", 3: "unsure"}


def render(report: Report, *, colour: bool, width: int, verbose: int = 0) -> str:
    """The report as text of at most ``width`` columns (but never fewer than 40), ending in a newline.

    ``verbose`` lengthens the lists that are cut short: 0 shows eight rows of a group, 1 fifty, 2 all.
    """
    page = Page(width)
    shown = _SHOWN[verbose] if verbose < len(_SHOWN) else None
    _verdict(page, report)
    said = _what_would_run(page, report, shown)
    _levels(page, report, shown, said)
    _set_aside(page, report, shown)
    _chains(page, report, shown)
    _proofs(page, report, shown)
    _not_checked(page, report, shown)
    _left_out(page, report)
    _sources(page, report)
    _asks(page, report)
    _last_line(page, report)
    return page.render(colour=colour)


# --- small words ------------------------------------------------------------------------------------------


def _show(text: str, limit: int = 1200) -> str:
    """Text from wherever, on one line, with nothing in it that moves a cursor."""
    return visible(text, limit=limit)


def _own(text: str) -> str:
    """Prose of the rubric or the rules, whose line breaks mean nothing."""
    return _show(" ".join(text.split()))


def _place(where: Location) -> str:
    text = visible(str(where), limit=400)
    # A blank at the edge of a name, or two of them, would be lost on the reader.
    return f'"{text}"' if text != text.strip() or "  " in text or not text else text


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(count: int) -> str:
    """``99.4 kB`` for 99,412: bytes as people read them."""
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count:,} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"


def _cut(rows: Sequence[T], shown: int | None) -> tuple[Sequence[T], int]:
    """The rows to show and how many are left over; never leaves a single one over."""
    if shown is None or len(rows) <= shown + 1:
        return rows, 0
    return rows[:shown], len(rows) - shown


def _more(page: Page, left: int, indent: int) -> None:
    if left:
        page.put(f"and {left:,} more; --format json lists all", indent=indent, style="dim")


def _grouped(rows: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _open(report: Report) -> list[Finding]:
    found = [finding for finding in report.findings if finding.status is Status.OPEN]
    return sorted(
        found,
        key=lambda f: (
            -LEVELS.index(f.level),
            # What is new is what fails; of what a baseline knows the longest overdue comes first.
            f.known,
            f.due,
            f.evidence.rule,
            f.evidence.where.order,
            f.evidence.message,
            f.fingerprint,
        ),
    )


# --- the parts, in order ----------------------------------------------------------------------------------


def _verdict(page: Page, report: Report) -> None:
    page.put(_own(report.verdict.sentence), style=_EXIT_STYLES.get(report.verdict.exit_code, "bad"))
    coverage = report.coverage
    page.put(
        f"{_show(report.target) or '.'}: {_count(coverage.files, 'file')}, {size(coverage.bytes)}, "
        f"{_count(coverage.manifests, 'manifest')}, {_count(len(report.inventory.components), 'component')}",
        style="dim",
    )
    _projects(page, report)


def _projects(page: Page, report: Report) -> None:
    """The projects of the tree, where there are several: each by its folder and name."""
    projects = report.inventory.projects
    if len(projects) < 2:
        return
    counts = Counter(component.project for component in report.inventory.components)
    rows, left = _cut(projects, _SHOWN[0])
    named = (
        f"{_show(one.path, 200)}{f' ({_show(one.name, 100)})' if one.name else ''}: {counts[one.path]:,}"
        for one in rows
    )
    more = f", and {left:,} more" if left else ""
    page.put(f"{len(projects):,} projects, by components: {', '.join(named)}{more}", style="dim")


def _what_would_run(page: Page, report: Report, shown: int | None) -> set[Finding]:
    """Shows what loading would execute, file by file; returns the findings whose message stands there."""
    running = [finding for finding in _open(report) if finding.evidence.rule in RUNS_ON_LOAD]
    if not running:
        return set()
    page.heading("What would run if you load it", "critical")
    files = _grouped(running, lambda f: (f.evidence.where.path, f.evidence.where.member))
    listed, left = _cut(list(files.values()), None if shown is None else max(shown, _RUNNING))
    said: set[Finding] = set()
    for findings in listed:
        where = findings[0].evidence.where
        page.put(_place(Location(where.path, where.member)), indent=2, style="place")
        calls, over = _cut(findings, shown)
        for finding in calls:
            offset = finding.evidence.where.offset
            at = "" if offset is None else f" (byte {offset:,})"
            page.put(f"{_show(finding.evidence.message)}{at}", indent=4, label="> ", mark=finding.level)
            said.add(finding)
        _more(page, over, 6)
    if left:
        page.put(f"and {_count(left, 'more file')}; --format json lists all", indent=2, style="dim")
    return said


def _levels(page: Page, report: Report, shown: int | None, said: set[Finding]) -> None:
    findings = _open(report)
    missed = {(row.where.path, row.where.member) for row in report.coverage.not_checked}
    components = {component.ref: component for component in report.inventory.components}

    def release(finding: Finding) -> tuple[str, ...]:
        # The same release in several projects is one thing to know, at several places to mend.
        component = components.get(finding.evidence.component)
        if component is None:
            return (finding.evidence.component,)
        return component.ecosystem, component.name, component.version, component.specifier

    packages = _grouped((f for f in findings if _is_advisory(f)), release)
    home = {key: group[0].level for key, group in packages.items()}  # sorted: the first is the worst
    for level in reversed(LEVELS):
        here = [f for f in findings if f.level == level]
        if not here:
            continue
        above = sum(1 for f in here if _is_advisory(f) and home[release(f)] != level)
        some = "all" if above == len(here) else f"{above:,} of them"
        aside = f", {some} shown above with their package" if above else ""
        page.heading(f"{level.capitalize()} ({len(here):,}{aside})", level)
        rules = _grouped((f for f in here if not _is_advisory(f)), lambda f: f.evidence.rule)
        for group in rules.values():
            _rule(page, group, shown, said, missed)
        worst = [key for key, its in home.items() if its == level]
        listed, left = _cut(worst, None if shown is None else max(shown, _PACKAGES))
        for key in listed:
            found = dict.fromkeys(components.get(f.evidence.component) for f in packages[key])
            _package(page, [each for each in found if each is not None], packages[key], shown)
        if left:
            page.put(f"and {_count(left, 'more package')}; --format json lists all", indent=2, style="dim")
    if not findings:
        page.heading("Findings: none", "good")


def _is_advisory(finding: Finding) -> bool:
    return finding.evidence.rule.startswith("ADV-") and bool(finding.evidence.component)


def _rule(
    page: Page,
    group: list[Finding],
    shown: int | None,
    said: set[Finding],
    missed: set[tuple[str, tuple[str, ...]]],
) -> None:
    """All findings of one rule at one level: the rule once, each place, and why and fix once where shared."""
    first = group[0]
    notes = [f"{len(group):,} times"] if len(group) > 1 else []
    potential = max((f.potential for f in group), key=LEVELS.index)
    if potential != first.level:
        notes.append(f"could be {potential}, were it confirmed")
    aside = f" ({'; '.join(notes)})" if notes else ""
    page.put(_own(first.title) + aside, indent=2, label=f"{first.evidence.rule}  ", mark=first.level)
    here = [f for f in group if not _stands_below(f, missed)]
    if len(here) < len(group):
        many = f"{len(group) - len(here):,} of them listed" if here else "listed"
        page.put(f'{many} below, under "Not checked"', indent=6, style="dim")
    why = len({(f.because, f.assumed) for f in group}) == 1
    fix = len({_remedy(f) for f in group}) == 1
    # What is merely worth knowing does not push what matters off the screen.
    rows, left = _cut(here, 3 if first.level == "info" and shown == _SHOWN[0] else shown)
    for finding in rows:
        page.put(_place(finding.evidence.where) + _clock(finding), indent=6, style="place")
        if finding not in said:
            page.put(_show(finding.evidence.message), indent=8)
        if not why:
            _why(page, finding, indent=8)
        if not fix:
            _fixes(page, [finding], shown, indent=8)
    _more(page, left, 6)
    if why or not rows:
        _why(page, first, indent=6)
    if fix or not rows:
        _fixes(page, group, shown, indent=6)
    page.gap()


def _stands_below(finding: Finding, missed: set[tuple[str, tuple[str, ...]]]) -> bool:
    where = finding.evidence.where
    return finding.evidence.rule.startswith("COV-") and (where.path, where.member) in missed


def _remedy(finding: Finding) -> str:
    return _own(finding.remedy or finding.evidence.remedy)


def _clock(finding: Finding) -> str:
    """What a baseline knows of the finding: since when it stands, and until when it is to be mended."""
    known = "in the baseline" if finding.known else ""
    since = f"since {finding.first_seen}" if finding.first_seen else ""
    due = f"to be mended by {finding.due}" if finding.due else ""
    said = ", ".join(filter(None, (f"{known} {since}".strip(), due)))
    return f" ({_show(said)})" if said else ""


def _why(page: Page, finding: Finding, indent: int) -> None:
    if finding.because:
        assumed = f" (assumed: {', '.join(finding.assumed)})" if finding.assumed else ""
        more = f"; weighbridge explain {_show(finding.fingerprint[:_FINGERPRINT])}"
        page.put(
            _own(finding.because) + assumed + more, indent=indent, label="Why: ", mark="dim", style="dim"
        )


def _fixes(page: Page, findings: Iterable[Finding], shown: int | None, indent: int) -> None:
    """Each remedy once, in the order of the findings."""
    remedies = [text for text in dict.fromkeys(map(_remedy, findings)) if text]
    rows, left = _cut(remedies, shown)
    for remedy in rows:
        page.put(remedy, indent=indent, label="Fix: ", mark="fix", style="fix")
    _more(page, left, indent)


def _package(page: Page, same: Sequence[Component], group: list[Finding], shown: int | None) -> None:
    """One release with everything that is known against it, in all projects, and what clears it."""
    first = group[0]
    if same:
        name = f"{_show(same[0].name)} {_show(same[0].version or same[0].specifier)}".rstrip()
        seen = [_place(where) for component in same for where in component.seen]
    else:
        name, seen = _show(first.evidence.component), []
    # The place to mend stands first: a line that pins the package, where its other places only allow it.
    seen = list(dict.fromkeys((_place(first.evidence.where), *seen)))
    others = f" and {_count(len(seen) - 1, 'more place')}" if len(seen) > 1 else ""
    page.put(f"in {seen[0]}{others}", indent=2, label=f"{name}  ", mark=first.level)
    _fixes(page, group, shown, indent=6)
    _why(page, first, indent=6)
    told = {
        (f.evidence.rule, f.level, f.evidence.subject, f.evidence.message, _clock(f)): f
        for f in reversed(group)
    }
    listed, left = _cut(list(reversed(told.values())), shown)
    for finding in listed:
        evidence = finding.evidence
        ids = list(dict.fromkeys((*_advisory_id(evidence.subject), *evidence.aliases)))
        more = f"{', '.join(ids[1:_IDS])}{', …' if len(ids) > _IDS else ''}"
        named = _show(f"{ids[0]} ({more})" if len(ids) > 1 else "".join(ids), limit=200)
        # Elsewhere the message stands alone and has to name package and advisory; here both are said.
        message = _show(evidence.message, limit=400).removeprefix(f"{name}: ")
        message = message.removeprefix(f"{_show(ids[0])}: ") if ids else message
        page.put(
            f"{named}{': ' if named else ''}{message}{_clock(finding)}",
            indent=6,
            label=f"{evidence.rule} {finding.level:<8} ",
            mark=finding.level,
        )
    _more(page, left, 6)
    for said in dict.fromkeys(_exploited(finding) for finding in listed):
        if said:
            page.put(said, indent=6, label="Exploited: ", mark="dim")
    page.gap()


def _exploited(finding: Finding) -> str:
    """Whether attackers are known to use it, and who says so; empty where nobody was asked."""
    measured = next((value for name, value in finding.factors if name == "exploitation"), None)
    if measured is None or measured.source in _NOBODY_SAID:
        return ""
    word = {"active": "yes", "poc": "a way to do it is public", "none": "not known"}
    return f"{word.get(measured.value, measured.value)} ({_show(measured.ref or measured.source)})"


def _advisory_id(subject: str) -> tuple[str, ...]:
    return () if not subject or subject.startswith(("pkg:", "range:")) else (subject,)


def _set_aside(page: Page, report: Report, shown: int | None) -> None:
    aside = [finding for finding in report.findings if finding.status is not Status.OPEN]
    if not aside:
        return
    page.heading(f"Set aside by your policy ({len(aside):,})")
    for status, group in _grouped(aside, lambda f: f.status).items():
        rows, left = _cut(group, shown)
        for finding in rows:
            evidence = finding.evidence
            text = f"{evidence.rule} {_place(evidence.where)}: {_show(evidence.message)}"
            page.put(text, indent=2, label=f"{status}, {finding.level}: ", style="dim")
            if finding.decision:
                page.put(_decided(finding.decision), indent=6, label="Why: ", mark="dim", style="dim")
        _more(page, left, 2)


def _decided(decision: Decision) -> str:
    people = ", ".join(filter(None, (decision.owner, *decision.approvers)))
    parts = (
        decision.reason,
        people,
        f"until {decision.expires}" if decision.expires else "",
        decision.source,
    )
    return "; ".join(_own(part) for part in parts if part)


def _chains(page: Page, report: Report, shown: int | None) -> None:
    """What loads what, and what runs it: the pipeline, the line, the file, what is wrong with it, the fix."""
    telling = [row for row in linked.linked(report) if row.findings or row.chain.artifacts]
    if not telling:
        return
    page.heading(f"What is loaded, and what runs it ({len(telling):,})")
    rows, left = _cut(telling, shown)
    chain_lines(page, rows, shown)
    _more(page, left, 2)


def chain_lines(page: Page, rows: Iterable[linked.Linked], shown: int | None) -> None:
    """Chains, a step a line; those that the same pipelines run stand together below these."""
    for runs, group in _grouped(rows, lambda row: row.chain.runs).items():
        listed, over = _cut(runs, _RUNS if shown == _SHOWN[0] else shown)
        for run in listed:
            page.put(linked.run_in_words(run), indent=2, style="place")
        if over:
            page.put(f"and {over:,} more ways in which pipelines come here", indent=2, style="dim")
        for row in group:
            # A step of a pipeline leads to the line; without one the line itself is where it begins.
            _chain(page, row, 4 if runs else 2, shown)


def _chain(page: Page, row: linked.Linked, indent: int, shown: int | None) -> None:
    chain = row.chain
    imported = bool(chain.runs) and all(run.script != chain.where.path for run in chain.runs)
    aside = ", which that imports" if imported else ""
    page.put(f"{_place(chain.where)}{aside}", indent=indent, style="place")
    page.put(linked.load_in_words(row), indent=indent + 2)
    page.put(linked.what_in_words(row), indent=indent + 2, label="loads ")
    found, left = _cut(row.findings, _ALONG if shown == _SHOWN[0] else shown)
    for finding in found:
        label = f"{finding.evidence.rule} {finding.level}: "
        page.put(_own(finding.title), indent=indent + 4, label=label, mark=finding.level)
    _more(page, left, indent + 4)
    if row.findings and (fix := _remedy(row.findings[0])):
        page.put(fix, indent=indent + 4, label="Fix: ", mark="fix", style="fix")
    page.gap()


_STATES = {
    ProofState.HOLDS: "hold",
    ProofState.FAILS: "fail",
    ProofState.STALE: "stale",
    ProofState.UNCHECKED: "cannot be checked",
}


def _proofs(page: Page, report: Report, shown: int | None) -> None:
    """What files of the tree state of others, a line a kind; then what nobody could check, and why."""
    if not report.proofs:
        return
    page.heading("What the tree states of its own files")
    for kind, group in sorted(_grouped(report.proofs, lambda proof: proof.kind).items()):
        counts = Counter(proof.state for proof in group)
        said = ", ".join(f"{counts[state]:,} {word}" for state, word in _STATES.items() if counts[state])
        page.put(said, indent=2, label=f"{_show(kind)}: ")
    open_ = [one for one in report.proofs if one.state in {ProofState.UNCHECKED, ProofState.STALE}]
    reasons = _grouped(open_, lambda proof: (proof.state, proof.detail))
    rows, left = _cut(list(reasons.items()), shown)
    for (state, detail), group in rows:
        others = f" and {len(group) - 1:,} more" if len(group) > 1 else ""
        text = f"{_place(group[0].where)}{others}: {_show(detail, limit=300)}"
        page.put(text, indent=4, label=f"{_STATES[state]}: ", style="dim")
    _more(page, left, 4)


def _not_checked(page: Page, report: Report, shown: int | None) -> None:
    rows = report.coverage.not_checked
    if not rows:
        if report.coverage.files or report.coverage.manifests:
            page.heading("Not checked: nothing that should have been", "good")
        return
    page.heading(f"Not checked ({len(rows):,})", "unsure")
    ordered = sorted(rows, key=lambda row: (row.outcome, row.where.order, row.inspector))
    for outcome, group in _grouped(ordered, lambda row: row.outcome).items():
        page.put(f"{OUTCOMES.get(outcome, _show(outcome))} ({len(group):,})", indent=2, style="unsure")
        listed, left = _cut(group, shown)
        for row in listed:
            page.put(_unchecked(row), indent=4)
        _more(page, left, 4)
    if report.coverage.deadline_struck:
        page.put("A deadline struck: another run may get further than this one.", indent=2)


def _unchecked(row: NotChecked) -> str:
    detail = f": {_show(row.detail, limit=300)}" if row.detail else ""
    reader = f" ({_show(row.inspector)})" if row.inspector else ""
    return f"{_place(row.where)}{reader}{detail}"


def _left_out(page: Page, report: Report) -> None:
    coverage = report.coverage
    unclaimed = dict(coverage.outcomes).get("unclaimed", 0)
    if not (coverage.excluded or coverage.unclaimed_members or unclaimed):
        return
    page.heading("Left out")
    for rule, group in _grouped(coverage.excluded, lambda row: row.rule).items():
        examples = ", ".join(visible(row.path, limit=100) for row in group[:3])
        dots = ", …" if len(group) > 3 else ""
        page.put(f"{_show(rule)}: {len(group):,} left out ({examples}{dots})", indent=2)
    if unclaimed:
        page.put(f"{_count(unclaimed, 'file')} of kinds that nothing here reads (counted only)", indent=2)
    if coverage.unclaimed_members:
        members = _count(coverage.unclaimed_members, "member")
        page.put(f"{members} of archives, of kinds that nothing here reads (counted only)", indent=2)


def _sources(page: Page, report: Report) -> None:
    if report.sources:
        page.heading("What this knows, and as of when")
    for source in report.sources:
        parts = [
            source.state,
            f"as of {source.as_of}" if source.as_of else "",
            _count(source.records, "record") if source.records else "",
            source.detail,
        ]
        text = ", ".join(_own(part) for part in parts if part)
        fresh = source.state in {"current", "built-in", "off", "unused"}
        page.put(text, indent=2, label=f"{_show(source.name)}: ", style="" if fresh else "unsure")
    if any(_is_advisory(finding) and not _exploited(finding) for finding in report.findings):
        page.put(
            "not looked up for all holes; `weighbridge advisories import --kev FILE` joins CISA's list",
            indent=2,
            label="exploited: ",
            style="unsure",
        )
    tool = report.tool
    if tool.rubric_version:
        digests = f"sha256 {tool.rubric_digest[:16]}…, rules {tool.rules_digest[:16]}…"
        page.put(f"version {tool.rubric_version}, {digests}", indent=2, label="rubric: ")
    for notice in report.notices:
        page.put(_own(notice), indent=2, label="Note: ", mark="unsure")


def _asks(page: Page, report: Report) -> None:
    """How soon, and who has to hear of it: conditions that are met, never legal advice."""
    verdict = report.verdict
    if not verdict.clocks and not verdict.conditions:
        return
    page.heading("How soon, and who else")
    for clock in verdict.clocks:
        steps = (("looked at", clock.triage), ("contained", clock.mitigate), ("mended", clock.fix))
        said = ", ".join(f"{verb} within {span(time)}" for verb, time in steps if time)
        page.put(said, indent=2, label=f"{clock.level}: ")
    for condition in verdict.conditions:
        page.put(DURATIONS.sub(lambda found: span(found[0]), condition.says), indent=2, mark="unsure")
    if verdict.conditions:
        page.put("These are conditions that are met, not legal advice.", indent=2)


def span(duration: str) -> str:
    """``24 hours`` for ``PT24H``, ``14 days`` for ``P14D``."""
    return f"{duration.strip('PTHD')} {'hours' if duration.endswith('H') else 'days'}"


def _last_line(page: Page, report: Report) -> None:
    verdict = report.verdict
    numbers = dict(verdict.counts)
    counts = ", ".join(f"{numbers[level]:,} {level}" for level in reversed(LEVELS) if numbers.get(level))
    meaning = EXITS.get(verdict.exit_code, "").format(gate=verdict.gate)
    page.gap()
    page.put(
        f"release {verdict.release}; {counts or 'no findings'}; exit code {verdict.exit_code}: {meaning}",
        label=f"Grade {verdict.grade}: ",
        mark=_RELEASES.get(verdict.release, "unsure"),
    )
