"""Report -> SARIF 2.1.0, as GitHub's code scanning accepts and shows it.

Laws: OASIS SARIF 2.1.0; docs.github.com, "SARIF support for code scanning" (required properties, 1,024
characters of rule text, 255 of an id, 25,000 results and rules, 10 MB gzipped, 20 tags). What passes a
limit there costs the whole upload, so nothing here passes one.

GitHub reads the severity from the rule and never from the result: so each rule is written once for each
level that it reached (``ART-001/critical``), an advisory once for each level under its own name
(``ADV-002/CVE-2024-0001/high``).
"""

import gzip
import json
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import quote_from_bytes

from sbom.model import Location
from scanner.codec import Plain
from scanner.model import Finding, NotChecked, Report, Rule, Status
from scanner.reports.arrange import Subjects, advisory_names, is_advisory, settled, worst_first
from scanner.reports.linked import loaders, place
from scanner.rubric import rules, tables
from scanner.text import counted, visible

MAX_RESULTS: Final = 25_000
MAX_GZIP_BYTES: Final = 9_500_000  # GitHub's 10 MB, less what another compressor may do worse
MAX_TEXT: Final = 1_024
MAX_ID: Final = 255
MAX_TAGS: Final = 20
MAX_NOTIFICATIONS: Final = 200
MAX_RELATED: Final = 20

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_LINK: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]{1,500}", re.ASCII)
_PRECISION: Final = {"confirmed": "very-high", "indicated": "high", "heuristic": "medium"}
_SUPPRESSED: Final = {
    Status.WAIVED: "accepted",
    Status.DISPUTED: "underReview",
    Status.NOT_AFFECTED: "accepted",
}

Row = dict[str, Plain]


def render(report: Report, *, category: str = "weighbridge") -> bytes:
    """The report as one SARIF run, worst results first; ``category`` tells apart runs over one commit.

    Where GitHub's limits leave no room for all results, the mildest are left out and a notification says
    how many.
    """
    findings = worst_first(report.findings)
    context = _Context(report)
    kept = findings[:MAX_RESULTS]
    while True:
        written = _write(report, category, kept, context, left_out=len(findings) - len(kept))
        # gzip adds a few bytes at most: only what is large as it stands needs to be packed to be known.
        size = len(written) if len(written) <= MAX_GZIP_BYTES else len(gzip.compress(written, 6))
        if size <= MAX_GZIP_BYTES or not kept:
            return written
        kept = kept[: min(len(kept) - 1, len(kept) * MAX_GZIP_BYTES // size)]


def _write(
    report: Report,
    category: str,
    findings: Sequence[Finding],
    context: "_Context",
    *,
    left_out: int,
) -> bytes:
    numbers: dict[str, int] = {}
    rows: list[Row] = []
    results: list[Row] = []
    for finding in findings:
        name = rule_id(finding)
        if name not in numbers:
            numbers[name] = len(rows)
            rows.append(_rule(name, finding))
        results.append(_result(name, numbers[name], finding, context))
    run: Row = {
        "tool": {
            "driver": {"name": "weighbridge", "version": _text(report.tool.version, MAX_ID), "rules": rows}
        },
        "automationDetails": {"id": f"{_text(category, 200)}/"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the scanned tree."}}},
        "invocations": [
            {
                "executionSuccessful": report.coverage.state != "failed",
                "exitCode": report.verdict.exit_code,
                "toolExecutionNotifications": _notifications(report, left_out),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "verdict": _text(report.verdict.sentence),
            "grade": report.verdict.grade,
            "release": report.verdict.release,
            "coverage": report.coverage.state,
            "rubric": {"version": report.tool.rubric_version, "sha256": report.tool.rubric_digest},
            "rules": {"sha256": report.tool.rules_digest},
        },
    }
    document: Row = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def rule_id(finding: Finding) -> str:
    """The rule's id in SARIF: its own, the advisory behind it where there is one, and the level."""
    names = advisory_names(finding) if is_advisory(finding) else ()
    parts = (finding.evidence.rule, *names[:1], finding.level)
    return "/".join(_text(part, 100) for part in parts)


# --- rules ------------------------------------------------------------------------------------------------


def _rule(name: str, finding: Finding) -> Row:
    known = rules.load().get(finding.evidence.rule)
    level = tables.load().levels[finding.level]
    names = advisory_names(finding) if is_advisory(finding) else ()
    title = (known.title if known else "") or finding.title
    why = (known.why if known else "") or finding.because
    also = f"Also known as {', '.join(names[1:])}." if names[1:] else ""
    what = f"{finding.evidence.message} {why}" if names else why
    remedy = finding.remedy if names or known is None else known.remedy
    return {
        "id": name,
        "shortDescription": {"text": _text(f"{names[0]}: {title}" if names else title)},
        "fullDescription": {"text": _text(f"{what} {also}")},
        "help": {
            "text": _text(f"{remedy} {also}"),
            "markdown": _help(known, why, also, remedy, finding.evidence.references),
        },
        "defaultConfiguration": {"level": level.sarif_level},
        "properties": {
            "security-severity": level.security_severity,
            "precision": _PRECISION.get(known.defaults.get("evidence", "") if known else "", "high"),
            "tags": _tags(finding.evidence.rule, known),
        },
    }


def _tags(rule: str, known: Rule | None) -> list[str]:
    family = rules.families().get(rule.partition("-")[0], "")
    tags = ["security", "supply-chain", *([family] if family else [])]
    if known is not None:
        tags += [f"external/cwe/cwe-{number:03d}" for number in known.cwe]
        tags += [*known.atlas, *known.owasp]
    return list(dict.fromkeys(tags))[:MAX_TAGS]


def _help(known: Rule | None, why: str, also: str, remedy: str, references: Iterable[str]) -> str:
    """The rule's help as Markdown within its limit, where words from elsewhere can be no markup."""
    parts = [f"**What to do.** {_escaped(remedy)}", f"**Why.** {_escaped(why)} {_escaped(also)}"]
    if known is not None and known.before and known.after:
        # Fences longer than any run of backticks in our own examples.
        parts.append(f"Instead of\n\n````\n{known.before}\n````\n\nwrite\n\n````\n{known.after}\n````")
    parts += [f"- <{url}>" for url in sorted(references) if _LINK.fullmatch(url)]
    text = ""
    for part in parts:
        if len(text) + len(part) + 2 > MAX_TEXT:
            continue
        text += ("\n" if part.startswith("- <") else "\n\n") + part
    return text.strip() or _escaped("No help.")


def _escaped(text: str) -> str:
    """Markdown that shows ``text`` as it stands: every character that could be markup is escaped."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", visible(text, limit=300)) if text else ""


# --- results ----------------------------------------------------------------------------------------------


class _Context:
    """What a result takes from the rest of the report."""

    def __init__(self, report: Report) -> None:
        self._seen = {part.ref: part.seen for part in report.inventory.components}
        self._subjects = Subjects(report.inventory)
        self._loaders = {
            path: {chain.where: chain for chain in chains} for path, chains in loaders(report.chains).items()
        }
        self.has_baseline = any(one.known or one.first_seen for one in report.findings)

    def about(self, where: Location, finding: Location) -> str:
        """What a place has to do with a finding: its line loads the file, or names the same component."""
        chain = self._loaders.get(finding.path, {}).get(where)
        if chain is None:
            return "The same component, seen here."
        runs = f", which {place(chain.runs[0].where)} runs" if chain.runs else ""
        return _text(f"{chain.api} loads it here{runs}.", 300)

    def component(self, finding: Finding) -> str:
        return self._subjects.name(finding)

    def seen(self, ref: str) -> Sequence[Location]:
        return self._seen.get(ref, ())


def _result(name: str, number: int, finding: Finding, context: _Context) -> Row:
    evidence = finding.evidence
    component = context.component(finding)
    place = _place(evidence.where)
    here = Location(evidence.where.path, evidence.where.member)
    others = sorted(
        (where for where in context.seen(component) if where not in {evidence.where, here}),
        key=lambda where: where.order,
    )
    row: Row = {
        "ruleId": name,
        "ruleIndex": number,
        "level": tables.load().levels[finding.level].sarif_level,
        "message": {"text": _message(finding)},
        "locations": [place],
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding)},
        "properties": {
            "rule": _text(evidence.rule, MAX_ID),
            "level": finding.level,
            "potential": finding.potential,
            "status": finding.status.value,
            "component": visible(component, limit=300),
            "factors": {factor: visible(measured.value, limit=100) for factor, measured in finding.factors},
            "assumed": list(finding.assumed),
            "aliases": [visible(alias, limit=100) for alias in sorted(evidence.aliases)[:50]],
        },
    }
    if others:
        row["relatedLocations"] = [
            {**_place(where), "id": at, "message": {"text": context.about(where, evidence.where)}}
            for at, where in enumerate(others[:MAX_RELATED], 1)
        ]
    if context.has_baseline:
        row["baselineState"] = "unchanged" if finding.known else "new"
    if finding.status in _SUPPRESSED:
        state, reason = _SUPPRESSED[finding.status], _text(settled(finding))
        row["suppressions"] = [{"kind": "external", "status": state, "justification": reason}]
    return row


def _message(finding: Finding) -> str:
    parts = [_text(finding.evidence.message, 500, empty=_text(finding.title, 500))]
    if finding.because:
        parts.append(f"{finding.level.capitalize()}: {_text(finding.because, 220)}")
    if finding.remedy:
        parts.append(f"To do: {_text(finding.remedy, 280)}")
    # A viewer would make a link of [text](target), and the words may be an attacker's.
    return "\n".join(parts).replace("](", "] (")


def _fingerprint(finding: Finding) -> str:
    if re.fullmatch(r"[!-~]{1,200}", finding.fingerprint):
        return finding.fingerprint
    evidence = finding.evidence
    subject = repr((evidence.rule, evidence.subject, evidence.where, finding.fingerprint))
    return sha256(subject.encode("ascii", "backslashreplace")).hexdigest()


def _place(where: Location) -> Row:
    """A SARIF location. GitHub wants lines of a file: a byte offset or a cell has none, so it is line 1.

    The member, the cell and the byte are told as a logical location.
    """
    line = where.line if where.line and where.cell is None and not where.member else 1
    place: Row = {
        "physicalLocation": {
            "artifactLocation": {"uri": uri(where.path), "uriBaseId": _ROOT},
            "region": {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": 2},
        }
    }
    if where.member or where.cell is not None or where.offset is not None:
        kind = "member" if where.member else "cell" if where.cell is not None else "offset"
        place["logicalLocations"] = [{"fullyQualifiedName": _text(str(where)), "kind": kind}]
    return place


def uri(path: str) -> str:
    """The relative URI of a POSIX path under the root, its bytes percent-encoded."""
    try:
        data = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair that stands for no byte
        data = path.encode("utf-8", "surrogatepass")
    # Two slashes in front would name another host, one another root.
    return quote_from_bytes(data, safe="/").lstrip("/") or "."


# --- what was not checked ---------------------------------------------------------------------------------


def _notifications(report: Report, left_out: int) -> list[Plain]:
    rows: list[Plain] = []
    if left_out:
        rows.append(
            _notification("limit", f"{left_out} results, the mildest, were left out: GitHub takes no more.")
        )
    missed = sorted(report.coverage.not_checked, key=lambda row: (row.where.order, row.inspector, row.detail))
    rows += [_missed(row) for row in missed[:MAX_NOTIFICATIONS]]
    if len(missed) > MAX_NOTIFICATIONS:
        more = len(missed) - MAX_NOTIFICATIONS
        rows.append(
            _notification(
                "limit",
                f"{counted(more, 'more place was', 'more places were')} not checked; see the JSON report.",
            )
        )
    rows += [_notification("notice", _text(text), level="note") for text in sorted(report.notices)[:50]]
    return rows


def _missed(row: NotChecked) -> Row:
    what = visible(f"{row.inspector}: {row.outcome}. {row.detail}", limit=700)
    notification = _notification(row.outcome or "not-checked", f"Not checked by {what}")
    notification["locations"] = [_place(row.where)]
    return notification


def _notification(name: str, text: str, level: str = "warning") -> Row:
    return {
        "descriptor": {"id": _text(name, 100)},
        "level": level,
        "message": {"text": _text(text).replace("](", "] (")},
    }


def _text(text: str, limit: int = MAX_TEXT, *, empty: str = "(no text)") -> str:
    """``text`` on one line, of at most ``limit`` characters and never empty: GitHub refuses both."""
    shown = visible(text.strip(), limit=limit)
    return (shown if len(shown) <= limit else f"{shown[: limit - 1]}…") or empty
