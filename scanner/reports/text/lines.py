"""What every part of the text report is made of: places, counts, lists that are cut short, remedies."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, TypeVar

from sbom.model import Location
from scanner.model import LEVELS, Finding, Report, Status
from scanner.reports.page import Page
from scanner.reports.told import baseline
from scanner.text import counted, visible

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

SHOWN: Final = (8, 50)  # rows of one group, by how often -v was given; a third -v shows all
_NOBODY_SAID: Final = frozenset({"unknown-policy", "rule-default"})
_FINGERPRINT: Final = 11  # its version and eight digits: enough to ask for it


def show(text: str, limit: int = 1200) -> str:
    """Text from wherever, on one line, with nothing in it that moves a cursor."""
    return visible(text, limit=limit)


def own(text: str) -> str:
    """Prose of the rubric or the rules, whose line breaks mean nothing."""
    return show(" ".join(text.split()))


def place(where: Location) -> str:
    """A place as the reader is to see it."""
    text = visible(str(where), limit=400)
    # A blank at the edge of a name, or two of them, would be lost on the reader.
    return f'"{text}"' if text != text.strip() or "  " in text or not text else text


count = counted  # as the report's other words


def cut(rows: Sequence[T], shown: int | None) -> tuple[Sequence[T], int]:
    """The rows to show and how many are left over; never leaves a single one over."""
    if shown is None or len(rows) <= shown + 1:
        return rows, 0
    return rows[:shown], len(rows) - shown


def tell_more(page: Page, left: int, indent: int) -> None:
    """That rows were left over; nothing where there are none."""
    if left:
        page.put(f"and {left:,} more; --format json lists all", indent=indent, style="dim")


def grouped(rows: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """The rows by their key, both in the order of the rows."""
    groups: dict[K, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def opened(report: Report) -> list[Finding]:
    """The open findings, worst first."""
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


def is_advisory(finding: Finding) -> bool:
    """Whether the finding is told with its package."""
    return finding.evidence.rule.startswith("ADV-") and bool(finding.evidence.component)


def remedy(finding: Finding) -> str:
    """What to do, on one line."""
    return own(finding.remedy or finding.evidence.remedy)


def clock(finding: Finding) -> str:
    """What a baseline knows of the finding: since when it stands, and until when it is to be mended."""
    said = baseline(finding)
    return f" ({show(said)})" if said else ""


def tell_why(page: Page, finding: Finding, indent: int, label: str = "Why: ") -> None:
    """The way to the level of one finding, and the command that shows it step by step."""
    if finding.because:
        assumed = f" (assumed: {', '.join(finding.assumed)})" if finding.assumed else ""
        command = f"; weighbridge explain {show(finding.fingerprint[:_FINGERPRINT])}"
        page.put(
            own(finding.because) + assumed + command, indent=indent, label=label, mark="dim", style="dim"
        )


def tell_whys(page: Page, findings: Sequence[Finding], shown: int | None, indent: int) -> None:
    """Each way to the level once, with how many findings took it where there are several ways."""
    ways = list(grouped(findings, lambda f: (f.because, f.assumed)).values())
    rows, left = cut(ways, shown)
    for group in rows:
        tell_why(page, group[0], indent, f"Why ({len(group):,} times): " if len(ways) > 1 else "Why: ")
    tell_more(page, left, indent)


def tell_fixes(page: Page, findings: Iterable[Finding], shown: int | None, indent: int) -> None:
    """Each remedy once, in the order of the findings."""
    remedies = [text for text in dict.fromkeys(map(remedy, findings)) if text]
    rows, left = cut(remedies, shown)
    for said in rows:
        page.put(said, indent=indent, label="Fix: ", mark="fix", style="fix")
    tell_more(page, left, indent)


def exploited(finding: Finding) -> str:
    """Whether attackers are known to use it, and who says so; empty where nobody was asked."""
    measured = next((value for name, value in finding.factors if name == "exploitation"), None)
    if measured is None or measured.source in _NOBODY_SAID:
        return ""
    word = {"active": "yes", "poc": "a way to do it is public", "none": "not known"}
    return f"{word.get(measured.value, measured.value)} ({show(measured.ref or measured.source)})"
