"""The risky paths as a mermaid flowchart: repository, place, what is loaded or used, finding."""

from itertools import pairwise
from typing import Final

from scanner.model import LEVELS, Finding, Report, Status
from scanner.reports.arrange import Subjects, advisory_names, is_advisory, worst_first
from scanner.reports.told import components
from scanner.text import visible

PATHS: Final = 20  # findings that are drawn; more would be a hairball
_LABEL = 60
_FROM = LEVELS.index("medium")


def mermaid(report: Report) -> str:
    """A fenced block with the worst open findings from medium on; empty where there is none."""
    risky = [
        finding
        for finding in worst_first(report.findings)
        if finding.status is Status.OPEN and LEVELS.index(finding.level) >= _FROM
    ]
    if not risky:
        return ""
    drawing = _Drawing(report)
    for finding in risky[:PATHS]:
        drawing.add(finding)
    more = f"\n{len(risky) - PATHS:,} more paths are not drawn.\n" if len(risky) > PATHS else ""
    return "\n```mermaid\nflowchart LR\n" + "\n".join(drawing.lines) + f"\n```\n{more}"


class _Drawing:
    def __init__(self, report: Report) -> None:
        self._subjects = Subjects(report.inventory)
        self._components = components(report)
        self._nodes: dict[tuple[str, str], str] = {}
        self._edges: set[tuple[str, str]] = set()
        self.lines: list[str] = []
        self._root = self._node("repository", report.target, "([", "])")

    def add(self, finding: Finding) -> None:
        evidence = finding.evidence
        steps = [self._root, self._node("place", evidence.where.path, "[", "]")]
        component = self._components.get(self._subjects.name(finding))
        if component is not None and component.name != evidence.where.path:
            name = f"{component.name} {component.version or component.specifier}".rstrip()
            steps.append(self._node("component", name, "[/", "/]"))
        names = advisory_names(finding)[:1] if is_advisory(finding) else ()
        said = " ".join((evidence.rule, *names, f"({finding.level})"))
        steps.append(self._node("finding", f"{said}\0{finding.fingerprint}", "{{", "}}"))
        for one, other in pairwise(steps):
            if (one, other) not in self._edges:
                self._edges.add((one, other))
                self.lines.append(f"  {one} --> {other}")

    def _node(self, kind: str, text: str, left: str, right: str) -> str:
        key = (kind, text)
        if key not in self._nodes:
            self._nodes[key] = f"n{len(self._nodes)}"
            self.lines.append(f'  {self._nodes[key]}{left}"{label(text.partition(chr(0))[0])}"{right}')
        return self._nodes[key]


def label(text: str) -> str:
    """Text in a node: whatever could end it, or be markup in it, is written as an entity of mermaid's."""
    shown = visible(text, limit=_LABEL)
    return "".join(c if c.isalnum() or c in " ._/+-=()" else f"#{ord(c)};" for c in shown) or "#32;"
