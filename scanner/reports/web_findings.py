"""The findings of the HTML report: one drawer each, with what to do and the way to the level."""

import re
from typing import Final

from scanner.model import LEVELS, Finding, Report
from scanner.reports.arrange import advisory_names, is_advisory, settled, worst_first
from scanner.reports.markup import Markup, element, joined
from scanner.reports.told import Standing, baseline, standing
from scanner.reports.web_further import further
from scanner.reports.web_words import FAMILIES, SAID_BY, STANDS, badge, could_be, place
from scanner.rubric import rules

# So many findings have a drawer of their own. The others stand in tables, which keeps a report of 20,000
# findings small enough to open at once.
IN_FULL: Final = 200

_ADDRESS: Final = re.compile(r"https://[a-z0-9][a-z0-9.-]*(?:/[A-Za-z0-9._~/?=&%+,:@#-]*)?", re.ASCII)


def findings(report: Report) -> Markup:
    """All findings, the worst first: a drawer each, and tables of those that are too many for that."""
    rows = worst_first(report.findings)
    if not rows:
        return element("p", "No findings.", class_="calm")
    drawers = [
        _drawer(finding, standing(finding, report.verdict), _way(finding)) for finding in rows[:IN_FULL]
    ]
    listed = element("div", Markup("\n" + "\n".join(drawers) + "\n"), id="findings")
    return joined([_tools(rows, report), listed, further(rows[IN_FULL:], report)], "\n")


def _drawer(finding: Finding, stands: Standing, way: Markup) -> Markup:
    evidence = finding.evidence
    family = evidence.rule.partition("-")[0]
    tags = [] if stands == "passes" else [element("span", STANDS[stands], class_=f"tag {stands.split()[0]}")]
    summary = element(
        "summary",
        badge(finding.level),
        Markup(" "),
        element("span", evidence.message or finding.title, class_="message"),
        Markup(" "),
        place(str(evidence.where)),
        Markup(" "),
        *tags,
    )
    names = advisory_names(finding) if is_advisory(finding) else ()
    facts = [
        ("What to do", element("strong", finding.remedy or evidence.remedy, class_="fix")),
        ("Set aside", shown_or_none(settled(finding))),
        (
            "What this is",
            joined([element("code", evidence.rule), Markup(" "), element("span", finding.title)]),
        ),
        ("Could be", shown_or_none(could_be(finding))),
        ("Known as", shown_or_none(", ".join(names))),
        ("Baseline", shown_or_none(baseline(finding))),
        ("Fingerprint", element("code", finding.fingerprint)),
    ]
    said = [part for name, value in facts if value for part in (element("dt", name), element("dd", value))]
    body = element("div", element("dl", *said), way, *_links(evidence.references), class_="body")
    return element(
        "details",
        summary,
        body,
        class_=f"finding {finding.level}",
        data_level=finding.level,
        data_stands=stands,
        data_family=family,
    )


def shown_or_none(text: str) -> Markup:
    """The text as markup; nothing where there is none, so that no empty row stands for it."""
    return element("span", text) if text else Markup("")


def _way(finding: Finding) -> Markup:
    """Why it matters, the sentence that leads to the level, and each factor with who says so."""
    rule = rules.load().get(finding.evidence.rule)
    why = element("p", rule.why) if rule else Markup("")
    because = (
        element("p", element("b", "The way to this level: "), finding.because) if finding.because else ""
    )
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", factor.value),
            element("td", SAID_BY.get(factor.source, factor.source)),
            element("td", factor.ref),
        )
        for name, factor in finding.factors
    ]
    columns = element(
        "tr", *(element("th", name, scope="col") for name in ("factor", "value", "source", "what says so"))
    )
    factors = (
        element("table", element("thead", columns), element("tbody", *rows), class_="factors") if rows else ""
    )
    assumed = (
        element("p", f"Assumed, for nobody measured it: {', '.join(finding.assumed)}.")
        if finding.assumed
        else ""
    )
    return joined([part for part in (why, because, factors, assumed) if isinstance(part, Markup)])


def _links(references: tuple[str, ...]) -> list[Markup]:
    """Addresses of advisories and documents: a link only where it is plain https and shows whole."""
    if not references:
        return []
    items = [
        element(
            "li",
            element("a", one, href=one, rel="noopener noreferrer nofollow")
            if _ADDRESS.fullmatch(one)
            else element("span", one),
        )
        for one in sorted(references)[:20]
    ]
    return [element("p", element("b", "Read more")), element("ul", *items)]


def _tools(rows: list[Finding], report: Report) -> Markup:
    """Filter and order, which need the script: hidden where that does not run."""
    levels = [
        element(
            "label",
            element("input", type="checkbox", value=level, checked="", data_filter="level"),
            Markup(" "),
            badge(level),
            Markup(f" {sum(row.level == level for row in rows):,}"),
        )
        for level in reversed(LEVELS)
        if any(row.level == level for row in rows)
    ]
    stands = sorted({standing(row, report.verdict) for row in rows})
    families = sorted({row.evidence.rule.partition("-")[0] for row in rows})
    parts = (
        element("fieldset", element("legend", "Levels"), *levels),
        _select("Standing", "stands", [("", "all"), *((one, STANDS[one]) for one in stands)]),
        _select(
            "About", "family", [("", "everything"), *((one, FAMILIES.get(one, one)) for one in families)]
        ),
        _select("Order", "order", [("", "worst first"), ("place", "by place"), ("text", "by what is said")]),
        element(
            "label",
            "Search ",
            element("input", type="search", id="search", autocomplete="off", spellcheck="false"),
        ),
    )
    count = element(
        "p", f"{len(rows):,} of {len(rows):,} findings", id="count", role="status", aria_live="polite"
    )
    return joined([element("div", *parts, class_="tools", id="tools", hidden=""), count], "\n")


def _select(label: str, key: str, options: list[tuple[str, str]]) -> Markup:
    made = [element("option", text, value=value or "-") for value, text in options]
    return element("label", f"{label} ", element("select", *made, id=key))
