"""The findings of the HTML report: one drawer each, with what to do and the way to the level."""

import re
from typing import Final

from scanner.model import LEVELS, Finding, Level, Report
from scanner.reports.arrange import advisory_names, is_advisory, settled, worst_first
from scanner.reports.markup import Markup, element, joined
from scanner.reports.told import Standing, standing
from scanner.rubric import rules

# So many findings say in their own drawer how their level came about; of the others, those with the same
# way share one place in the page, which keeps a report of 20,000 findings small enough to open at once.
IN_FULL: Final = 200

_STANDS: Final[dict[Standing, str]] = {
    "fails": "fails the gate",
    "passes": "below the gate",
    "known": "known to the baseline",
    "set aside": "set aside",
}
_SAID_BY: Final = {
    "measured": "measured",
    "feed": "from a feed",
    "declared": "declared",
    "rule-default": "by the rule",
    "unknown-policy": "not known, so assumed",
    "pack-floor": "asked for by a pack",
}
_ADDRESS: Final = re.compile(r"https://[a-z0-9][a-z0-9.-]*(?:/[A-Za-z0-9._~/?=&%+,:@#-]*)?", re.ASCII)
FAMILIES: Final = {
    "ADV": "known vulnerabilities",
    "ART": "model files",
    "COV": "what was not checked",
    "DAT": "data sets",
    "DEP": "dependencies and pins",
    "HSH": "hashes",
    "SRC": "code that loads",
}


def badge(level: Level) -> Markup:
    """The level as a word with its colour and shape."""
    return element("span", level, class_=f"badge {level}")


def place(text: str) -> Markup:
    """A path of the scanned tree: isolated, so that writing from right to left moves nothing around it."""
    return element("bdi", text or '""', class_="path")


def findings(report: Report) -> Markup:
    """All findings, the worst first, and the ways to a level that several of them share."""
    rows = worst_first(report.findings)
    if not rows:
        return element("p", "No findings.", class_="calm")
    ways: dict[tuple[object, ...], str] = {}
    shared = []
    drawers = []
    for number, finding in enumerate(rows):
        way = _way(finding)
        if number >= IN_FULL:
            key = (finding.evidence.rule, finding.because, finding.assumed, finding.factors)
            if key not in ways:
                ways[key] = f"way-{len(ways) + 1}"
                shared.append(element("section", element("h3", finding.title), way, id=ways[key]))
            way = element("p", element("a", "How this level came about", href=f"#{ways[key]}"))
        drawers.append(_drawer(finding, standing(finding, report.verdict), way))
    listed = element("div", Markup("\n" + "\n".join(drawers) + "\n"), id="findings")
    later = (element("h3", "How the levels of the further findings came about"), *shared) if shared else ()
    return joined([_tools(rows, report), listed, element("div", *later)], "\n")


def _drawer(finding: Finding, stands: Standing, way: Markup) -> Markup:
    evidence = finding.evidence
    family = evidence.rule.partition("-")[0]
    tags = [] if stands == "passes" else [element("span", _STANDS[stands], class_=f"tag {stands.split()[0]}")]
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
        ("Could be", shown_or_none(_could(finding))),
        ("Known as", shown_or_none(", ".join(names))),
        ("Baseline", shown_or_none(_clock(finding))),
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


def _could(finding: Finding) -> str:
    worse = LEVELS.index(finding.potential) > LEVELS.index(finding.level)
    return f"{finding.potential}, were it confirmed" if worse else ""


def _clock(finding: Finding) -> str:
    known = "known" if finding.known else ""
    since = f"since {finding.first_seen}" if finding.first_seen else ""
    due = f"to be mended by {finding.due}" if finding.due else ""
    return ", ".join(filter(None, (f"{known} {since}".strip(), due)))


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
            element("td", _SAID_BY.get(factor.source, factor.source)),
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
        _select("Standing", "stands", [("", "all"), *((one, _STANDS[one]) for one in stands)]),
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
