"""One page of HTML that needs nothing else: no network, no script and no style, though it has both.

Its policy allows the style and the script whose hashes it names, and nothing else. All that was scanned
becomes text by ``markup.element``. The order is that of the text report: the verdict, what would run, the
risky paths, the findings, then what is there and what nobody looked at.
"""

import base64
import hashlib
from itertools import groupby
from pathlib import Path
from typing import Final

from sbom.model import Component, Kind
from scanner.model import Finding, Report, Status
from scanner.reports.arrange import Subjects, worst_first
from scanner.reports.markup import Markup, element, joined, own, table
from scanner.reports.told import open_by_level
from scanner.reports.web_findings import findings
from scanner.reports.web_picture import picture
from scanner.reports.web_words import badge, place
from scanner.reports.words import DURATIONS, EXITS, OUTCOMES, RUNS_ON_LOAD, size, span

_ROWS: Final = 2000  # of one table; the JSON and the bill of materials have all
_FILES: Final = 100  # files of which it is told what they would run
_AT_ONCE: Final = 6  # of which without being asked
_FACTS: Final = 24  # facts of one model
_PACKAGED: Final = Path(__file__).parent


def render(report: Report) -> bytes:
    """The report as one HTML document in UTF-8, ending in a newline."""
    style = (_PACKAGED / "web.css").read_text(encoding="utf-8")
    script = (_PACKAGED / "web.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", f"weighbridge: {report.target or '.'}"),
        own("style", style),
        own("script", script),
    )
    sections = [
        _section("runs", "What would run if you load it", _runs(report)),
        _section("paths", "The risky paths", picture(report)),
        _section("findings-part", "Findings", findings(report)),
        _section("soon", "How soon, and who else", _asks(report)),
        _section("components", "Components", _components(report)),
        _section("models", "Models and data", _models(report)),
        _section("coverage", "What was checked, and what was not", _coverage(report)),
        _section("sources", "What this knows, and as of when", _sources(report)),
    ]
    links = [("#runs", "What would run"), ("#paths", "Paths"), ("#findings-part", "Findings")]
    links += [("#components", "Components"), ("#coverage", "Coverage"), ("#sources", "Sources")]
    there = [
        element("a", name, href=to) for to, name in links if any(f'id="{to[1:]}"' in s for s in sections)
    ]
    body = element(
        "body",
        element("a", "Skip to the findings", href="#findings-part", class_="skip"),
        Markup("\n"),
        element(
            "header",
            element("span", "weighbridge", class_="brand"),
            element("nav", *there, aria_label="Parts"),
        ),
        Markup("\n"),
        element("main", _verdict(report), Markup("\n"), *(part for part in sections if part), id="main"),
        element("footer", _made_by(report)),
    )
    page = Markup("<!DOCTYPE html>\n") + element("html", head, Markup("\n"), body, lang="en") + "\n"
    return page.encode("utf-8", "backslashreplace")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _section(key: str, title: str, inner: Markup) -> Markup:
    """A part of the page; nothing where there is nothing to say."""
    if not inner:
        return Markup("")
    heading = element("h2", title, id=f"{key}-title")
    return element(
        "section", heading, Markup("\n"), inner, Markup("\n"), id=key, aria_labelledby=f"{key}-title"
    )


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def _rest(left: int, where: str = "--format json lists all") -> list[Markup]:
    return [element("p", f"And {left:,} more; {where}.", class_="calm")] if left > 0 else []


# --- the parts, in order ------------------------------------------------------------------------------------


def _verdict(report: Report) -> Markup:
    verdict, coverage = report.verdict, report.coverage
    state = {0: "good", 3: "unsure"}.get(verdict.exit_code, "bad") if verdict.grade else "unsure"
    counts = [
        element("li", badge(level), Markup(" "), element("b", f"{number:,}"))
        for level, number in open_by_level(report)
    ]
    meaning = EXITS.get(verdict.exit_code, "").format(gate=verdict.gate)
    facts = [
        ("Release", verdict.release),
        ("Gate", f"fails from {verdict.gate} on"),
        ("Exit code", f"{verdict.exit_code}: {meaning}"),
        ("Read", f"{_count(coverage.files, 'file')}, {size(coverage.bytes)}"),
        ("Manifests", f"{coverage.manifests:,}"),
        ("Coverage", coverage.state),
    ]
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in facts]
    grade = element("p", element("span", "Grade "), element("b", verdict.grade or "–"), class_="grade")
    return element(
        "section",
        element(
            "div",
            element("p", "Verdict on ", place(report.target or "."), class_="over"),
            element("h1", verdict.sentence or "No verdict.", id="verdict-title"),
            element(
                "ul",
                *(counts or [element("li", "No open finding")]),
                class_="counts",
                aria_label="Open findings by level",
            ),
            class_="said",
        ),
        grade,
        element("dl", *rows),
        class_=f"verdict {state}",
        aria_labelledby="verdict-title",
    )


def _runs(report: Report) -> Markup:
    """File by file what loading it would execute."""
    running = [
        finding
        for finding in worst_first(report.findings)
        if finding.status is Status.OPEN and finding.evidence.rule in RUNS_ON_LOAD
    ]
    files: dict[tuple[str, tuple[str, ...]], list[Finding]] = {}
    for finding in running:
        files.setdefault((finding.evidence.where.path, finding.evidence.where.member), []).append(finding)
    items = []
    for (path, member), group in list(files.items())[:_FILES]:
        calls = [
            element("li", badge(one.level), Markup(" "), element("span", one.evidence.message))
            for one in group[:8]
        ]
        items.append(
            element(
                "li", place("!".join((path, *member))), element("ul", *calls, *_rest_item(len(group) - 8))
            )
        )
    if not items:
        return Markup("")
    return joined(
        [element("ul", Markup("\n" + "\n".join(items) + "\n"), class_="runs"), *_rest(len(files) - _FILES)]
    )


def _rest_item(left: int) -> list[Markup]:
    return [element("li", f"and {left:,} more")] if left > 0 else []


def _asks(report: Report) -> Markup:
    verdict = report.verdict
    parts = []
    if verdict.clocks:
        rows: list[tuple[str, ...]] = [
            (badge(row.level), *(span(time) if time else "–" for time in (row.triage, row.mitigate, row.fix)))
            for row in verdict.clocks
        ]
        parts.append(
            table("How soon", ("level", "looked at within", "contained within", "mended within"), rows)
        )
    said = [DURATIONS.sub(lambda found: span(found[0]), one.says) for one in verdict.conditions]
    if said:
        parts.append(element("ul", *(element("li", one) for one in said)))
        parts.append(element("p", "These are conditions that are met, not legal advice.", class_="calm"))
    return joined(parts)


def _components(report: Report) -> Markup:
    parts = sorted(report.inventory.components, key=lambda one: (one.name.casefold(), one.ref, repr(one)))
    if not parts:
        return Markup("")
    subjects = Subjects(report.inventory)
    worst: dict[str, list[Finding]] = {}
    for finding in worst_first(report.findings):
        for ref in subjects.of(finding) if finding.status is Status.OPEN else ():
            worst.setdefault(ref, []).append(finding)
    rows: list[tuple[str, ...]] = []
    for one in parts[:_ROWS]:
        found = worst.get(one.ref, [])
        known = joined([badge(found[0].level), Markup(f" {len(found):,}")]) if found else "–"
        seen = sorted(one.seen, key=lambda where: where.order)
        at = place(str(seen[0])) if seen else "–"
        rows.append(
            (place(one.name), one.version or one.specifier or "–", _kind(one), _licences(one), known, at)
        )
    search = element(
        "label",
        "Search components ",
        element("input", type="search", data_rows="component-rows", autocomplete="off"),
    )
    tools = element("div", search, class_="tools", hidden="")
    columns = ("name", "version", "kind", "licences", "findings", "first seen in")
    listed = table(f"{_count(len(parts), 'component')}", columns, rows, "component-rows")
    return joined([tools, listed, *_rest(len(parts) - _ROWS, "the CycloneDX report lists all")])


def _kind(one: Component) -> str:
    kind = {Kind.MODEL: "model", Kind.LIBRARY: one.ecosystem or "package"}.get(one.kind, one.kind.value)
    return f"{kind}, {one.scope.value}" if one.scope.value != "required" else kind


def _licences(one: Component) -> str:
    return ", ".join(sorted(one.licences)) or "not stated"


def _models(report: Report) -> Markup:
    """What the bytes of models and data sets say about them."""
    parts = [one for one in report.inventory.components if one.kind in {Kind.MODEL, Kind.DATA}]
    rows: list[tuple[str, ...]] = []
    for one in sorted(parts, key=lambda one: (one.name, one.ref, repr(one)))[:_ROWS]:
        facts = sorted(
            {
                (fact.name.value, f"{fact.value:,}" if type(fact.value) is int else str(fact.value))
                for fact in one.facts
            }
        )
        said = [element("li", element("b", f"{name}: "), value) for name, value in facts[:_FACTS]]
        left = _rest_item(len(facts) - _FACTS)
        digests = sorted(digest.value for digest in one.digests if digest.algorithm == "sha256")
        facts_list = element("ul", *said, *left, class_="facts") if said else "–"
        rows.append(
            (place(one.name), one.origin or "–", facts_list, element("code", digests[0]) if digests else "–")
        )
    if not rows:
        return Markup("")
    listed = table(
        f"{len(parts):,} models and data sets",
        ("name", "from", "what it says of itself", "SHA-256"),
        rows,
    )
    return joined([listed, *_rest(len(parts) - _ROWS)])


def _coverage(report: Report) -> Markup:
    coverage = report.coverage
    rows: list[tuple[str, ...]] = [
        (
            place(str(row.where)),
            OUTCOMES.get(row.outcome, row.outcome),
            row.inspector or "–",
            row.detail or "–",
        )
        for row in sorted(coverage.not_checked, key=lambda row: (row.where.order, repr(row)))[:_ROWS]
    ]
    parts = []
    if rows:
        parts.append(
            table(
                f"Not checked: {_count(len(coverage.not_checked), 'thing')}",
                ("where", "why", "reader", "in detail"),
                rows,
            )
        )
        parts += _rest(len(coverage.not_checked) - _ROWS)
    else:
        parts.append(element("p", "Nothing that should have been checked was left out.", class_="calm"))
    if coverage.deadline_struck:
        parts.append(element("p", "A deadline struck: another run may get further than this one."))
    left = sorted(coverage.excluded, key=repr)
    for rule, group in groupby(sorted(left, key=lambda row: row.rule), key=lambda row: row.rule):
        paths = [row.path for row in group]
        dots = ", …" if len(paths) > 3 else ""
        parts.append(element("p", f"Left out by {rule}: {len(paths):,} (", *_places(paths[:3]), f"{dots})"))
    unclaimed = dict(coverage.outcomes).get("unclaimed", 0) + coverage.unclaimed_members
    if unclaimed:
        parts.append(
            element(
                "p", f"{unclaimed:,} files and members of kinds that nothing here reads were only counted."
            )
        )
    manifests: list[tuple[str, ...]] = [
        (place(row.path), row.format, row.outcome.value, f"{row.declarations:,}", row.detail or "–")
        for row in sorted(coverage.manifest_rows, key=repr)[:_ROWS]
    ]
    if manifests:
        caption = f"{_count(coverage.manifests, 'manifest')} and lock files"
        folded = table(caption, ("file", "format", "outcome", "declarations", "in detail"), manifests)
        parts.append(element("details", element("summary", caption), folded))
    proofs: list[tuple[str, ...]] = [
        (
            place(str(one.where)),
            one.kind,
            one.state.value.replace("-", " "),
            place(str(one.source)),
            one.detail or "–",
        )
        for one in sorted(report.proofs, key=lambda one: (one.where.order, repr(one)))[:_ROWS]
    ]
    if proofs:
        caption = f"What the tree states of its own files: {_count(len(report.proofs), 'statement')}"
        folded = table(caption, ("file", "kind", "state", "who states it", "in detail"), proofs)
        parts.append(element("details", element("summary", caption), folded))
    return joined(parts, "\n")


def _places(paths: list[str]) -> list[Markup]:
    parts = [part for path in paths for part in (Markup(", "), place(path))]
    return parts[1:]


def _sources(report: Report) -> Markup:
    rows: list[tuple[str, ...]] = [
        (one.name, one.state, one.as_of or "–", f"{one.records:,}" if one.records else "–", one.detail or "–")
        for one in sorted(report.sources, key=repr)
    ]
    parts = (
        [table("Sources that were consulted", ("source", "state", "as of", "records", "in detail"), rows)]
        if rows
        else []
    )
    notices = [element("li", notice) for notice in sorted(report.notices)[:_ROWS]]
    if notices:
        parts += [element("h3", "Notes"), element("ul", *notices)]
    return joined(parts, "\n")


def _made_by(report: Report) -> Markup:
    tool = report.tool
    return element(
        "p",
        f"weighbridge {tool.version}; rubric {tool.rubric_version}, sha256 {tool.rubric_digest[:16]}…; "
        f"rules {tool.rules_digest[:16]}…. How a level came about: ",
        element("code", "weighbridge explain FINGERPRINT"),
    )
