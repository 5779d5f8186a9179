"""The findings of the HTML report that get no drawer of their own: a table for each rule, level and standing.

A drawer is some twenty-five elements, and a browser needs about a second for each two hundred thousand. So
what all rows of a table share is said once above it, and what differs is text in a cell. The script of the
page makes drawers of the rows, of as many as are looked at; where it does not run, the tables remain.
"""

from collections.abc import Sequence

from scanner.model import Finding, Report
from scanner.reports.arrange import advisory_names, is_advisory, settled
from scanner.reports.markup import Markup, element, shown
from scanner.reports.told import Standing, baseline, standing
from scanner.reports.web_words import FAMILIES, SAID_BY, STANDS, badge, could_be
from scanner.rubric import rules

_NAMELESS = '""'


def further(rows: Sequence[Finding], report: Report) -> Markup:
    """The tables, in the order in which their first findings come; nothing for no findings."""
    groups: dict[tuple[str, str, Standing], list[Finding]] = {}
    for finding in rows:
        key = (finding.evidence.rule, finding.level, standing(finding, report.verdict))
        groups.setdefault(key, []).append(finding)
    if not groups:
        return Markup("")
    parts = [_group(group, stands) for (_, _, stands), group in groups.items()]
    heading = element("h3", f"Further findings ({len(rows):,}), by rule")
    return element("div", heading, Markup("\n"), *parts, id="further")


def _group(group: Sequence[Finding], stands: Standing) -> Markup:
    first = group[0]
    rule = first.evidence.rule
    told = [_facts(finding) for finding in group]
    names = list(dict.fromkeys(name for facts in told for name in facts))
    same = {name for name in names if len({facts.get(name, "") for facts in told}) == 1}
    once = [
        part
        for name in names
        if name in same and told[0][name]
        for part in (element("dt", name), element("dd", told[0][name]))
    ]
    vary = [name for name in names if name not in same]
    family = rule.partition("-")[0]
    known = rules.load().get(rule)
    body = [
        element("dl", element("dt", "Rule"), element("dd", element("code", rule)), *once),
        element("p", known.why) if known else Markup(""),
        _table(group, told, vary, f"{rule}, {first.level}: {FAMILIES.get(family, 'findings')}"),
    ]
    summary = element(
        "summary",
        badge(first.level),
        Markup(" "),
        element("span", first.title or first.evidence.message or rule, class_="message"),
        Markup(" "),
        element("span", f"{len(group):,} more", class_="path"),
        Markup(" "),
        *([] if stands == "passes" else [element("span", STANDS[stands], class_=f"tag {stands.split()[0]}")]),
    )
    drawer = element(
        "details",
        summary,
        element("div", *body, class_="body"),
        class_=f"group {first.level}",
        data_level=first.level,
        data_stands=stands,
        data_family=family,
    )
    return Markup(f"{drawer}\n")


def _table(
    group: Sequence[Finding], told: Sequence[dict[str, str]], vary: Sequence[str], caption: str
) -> Markup:
    columns = ("where", "what was found", *vary, "fingerprint")
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    # Written out and not through element: of all that the page is made of, this is made most often.
    body = "\n".join(
        f"<tr><th scope=row>{shown(str(finding.evidence.where) or _NAMELESS)}</th>"
        f"<td>{shown(finding.evidence.message or finding.title)}</td>"
        + "".join(f"<td>{shown(facts.get(name, ''))}</td>" for name in vary)
        + f"<td>{shown(finding.fingerprint)}</td></tr>"
        for finding, facts in zip(group, told, strict=True)
    )
    table = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", Markup(f"\n{body}\n")),
    )
    return element("div", table, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _facts(finding: Finding) -> dict[str, str]:
    """What a drawer would say, by name; empty where there is nothing to say."""
    evidence = finding.evidence
    names = advisory_names(finding) if is_advisory(finding) else ()
    return {
        "What to do": finding.remedy or evidence.remedy,
        "Set aside": settled(finding),
        "What this is": finding.title,
        "Could be": could_be(finding),
        "Known as": ", ".join(names),
        "Baseline": baseline(finding),
        "The way to this level": _way(finding),
        "Read more": " ".join(sorted(evidence.references)[:20]),
    }


def _way(finding: Finding) -> str:
    """The sentence that leads to the level, then the factors, those together that the same source says."""
    said: dict[str, list[str]] = {}
    for name, factor in finding.factors:
        by = SAID_BY.get(factor.source, factor.source)
        said.setdefault(f"{by}: {factor.ref}" if factor.ref else by, []).append(f"{name} {factor.value}")
    factors = "; ".join(f"{', '.join(values)} ({by})" for by, values in said.items())
    assumed = f"Assumed, for nobody measured it: {', '.join(finding.assumed)}." if finding.assumed else ""
    return " | ".join(part for part in (finding.because, factors, assumed) if part)
