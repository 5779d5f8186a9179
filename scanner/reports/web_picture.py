"""The risky paths as a picture: repository, code or manifest, model or package, finding, from left to right.

Static SVG, laid out here, so that nothing has to run to see it. Level and kind are told by shape, colour and
word; the same paths stand below it as text.
"""

from itertools import pairwise
from typing import Final

from sbom.model import Kind, Location
from sbom.record import mutable
from scanner.model import LEVELS, Finding, Level, Report, Status
from scanner.reports.arrange import Subjects, advisory_names, is_advisory, worst_first
from scanner.reports.markup import Markup, element
from scanner.reports.told import components
from scanner.reports.words import RUNS_ON_LOAD
from scanner.text import visible

PATHS: Final = 14  # what is drawn at the right; more would be a hairball
_FROM: Final = LEVELS.index("medium")
_WIDE, _HIGH, _GAP, _ROW = 244, 46, 40, 58  # of a box, between columns, from row to row
_LETTERS: Final = 25
_LOADS: Final = "SRC-"
_CODE: Final = (".py", ".ipynb")


@mutable
class _Node:
    column: int
    kind: str
    text: str
    level: Level | None = None
    times: int = 0
    y: float = 0


def picture(report: Report) -> Markup:
    """The drawing and its words, of the worst open findings from medium on; nothing where there is none."""
    risky = [
        finding
        for finding in worst_first(report.findings)
        if finding.status is Status.OPEN and LEVELS.index(finding.level) >= _FROM
    ]
    if not risky:
        return Markup("")
    paths, left = _paths(report, risky)
    nodes = list(dict.fromkeys(id(node) for path in paths for node in path))
    known = {id(node): node for path in paths for node in path}
    _lay_out(paths)
    high = max(node.y for node in known.values()) + _HIGH + 8
    wide = 4 * _WIDE + 3 * _GAP + 8
    edges = dict.fromkeys((id(a), id(b)) for path in paths for a, b in pairwise(path))
    drawn = [_edge(known[a], known[b]) for a, b in edges] + [_box(known[key]) for key in nodes]
    svg = element(
        "svg",
        element("title", "The risky paths from the repository to the findings"),
        *drawn,
        role="img",
        viewBox=f"0 0 {wide} {high:.0f}",
        width=wide,
        height=f"{high:.0f}",
    )
    words = [
        element("li", " → ".join(f"{node.kind} {node.text}{_times(node)}" for node in path)) for path in paths
    ]
    more = [element("p", f"{left:,} more are not drawn.", class_="calm")] if left else []
    return Markup(
        element(
            "div", svg, class_="scroll", role="region", aria_label="Picture of the risky paths", tabindex=0
        )
        + "".join(more)
        + element("details", element("summary", "The same paths as text"), element("ol", *words))
    )


def _times(node: _Node) -> str:
    return f" ({node.times:,} times)" if node.times > 1 else ""


def _paths(report: Report, risky: list[Finding]) -> tuple[list[list[_Node]], int]:
    """The paths to draw, and how many findings are left over."""
    subjects, parts = Subjects(report.inventory), components(report)
    loaders = _loaders(report)
    made: dict[tuple[int, str, str], _Node] = {}

    def node(column: int, kind: str, text: str, level: Level | None = None, key: str = "") -> _Node:
        return made.setdefault((column, kind, key or text), _Node(column, kind, text, level))

    root = node(0, "repository", report.target or ".")
    paths: dict[str, list[_Node]] = {}
    left = 0
    for finding in risky:
        evidence = finding.evidence
        ref = subjects.name(finding)
        part = parts.get(ref)
        path = evidence.where.path
        target, kind = ref or path, "package"
        if part is not None:
            kind = "model" if part.kind in {Kind.MODEL, Kind.DATA, Kind.FILE} else "package"
            held = kind == "model" and evidence.where.line is None
            target = path if held else f"{part.name} {part.version or part.specifier}".rstrip()
            if part.kind is Kind.DATA:
                kind, target = "data set", target.removeprefix("datasets/")
        loading = evidence.rule.startswith(_LOADS) or evidence.where.line is not None
        if loading:
            at = str(Location(path, line=evidence.where.line, cell=evidence.where.cell))
            where = [node(1, "code" if path.endswith(_CODE) else "file", at)]
            named = evidence.subject.partition(":")[2] if evidence.rule.startswith(("SRC-", "DAT-")) else ""
            middle = (
                [node(2, kind, target)] if part is not None else [node(2, "model", named)] if named else []
            )
        else:
            where = [node(1, "code", loaders[path])] if path in loaders else []
            middle = [node(2, "model" if evidence.rule.startswith("ART-") else kind, path)]
        said = _said(finding)
        kind = f"{finding.level} {evidence.rule}"
        key = "\0".join((kind, said, *(one.text for one in (*where, *middle))))
        if key not in paths and len(paths) == PATHS:
            left += 1
            continue
        end = node(3, kind, said, finding.level, key)
        end.times += 1
        paths.setdefault(key, [root, *where, *middle, end])
    return _together(list(paths.values())), left


def _together(paths: list[list[_Node]]) -> list[list[_Node]]:
    """The paths by level, and of one level those that come by the same box beside each other."""
    first = {id(node): at for at, path in reversed(list(enumerate(paths))) for node in path}
    return sorted(
        paths,
        key=lambda path: (
            -LEVELS.index(path[-1].level or "info"),
            *(first[id(node)] for node in reversed(path[1:-1])),
            first[id(path[-1])],
        ),
    )


def _said(finding: Finding) -> str:
    """What a box has room for: the advisory's best known name, the call that would run, else the title."""
    names = advisory_names(finding) if is_advisory(finding) else ()
    call = finding.evidence.subject if finding.evidence.rule in RUNS_ON_LOAD else ""
    return names[0] if names else call or finding.title


def _loaders(report: Report) -> dict[str, str]:
    """The first line of code that loads each file, by the file's path: what findings about code name."""
    held = {artifact.where.path for artifact in report.artifacts}
    found: dict[str, str] = {}
    for finding in worst_first(report.findings):
        evidence = finding.evidence
        named = evidence.subject.partition(":")[2]
        if evidence.rule.startswith(_LOADS) and named in held:
            found.setdefault(named, str(evidence.where))
    return found


def _lay_out(paths: list[list[_Node]]) -> None:
    """Rows at the right in the order of the paths; every other node in the middle of what it leads to."""
    followers: dict[int, list[_Node]] = {}
    nodes: dict[int, _Node] = {}
    for path in paths:
        for node in path:
            nodes[id(node)] = node
        for one, other in pairwise(path):
            if other not in followers.setdefault(id(one), []):
                followers[id(one)].append(other)
    for row, path in enumerate(paths):
        path[-1].y = 4 + row * _ROW
    for column in (2, 1, 0):
        free = 4.0
        for node in sorted(
            (node for node in nodes.values() if node.column == column),
            key=lambda node: sum(one.y for one in followers[id(node)]) / len(followers[id(node)]),
        ):
            wanted = sum(one.y for one in followers[id(node)]) / len(followers[id(node)])
            node.y = max(wanted, free)
            free = node.y + _ROW


def _x(node: _Node) -> int:
    return 4 + node.column * (_WIDE + _GAP)


def _edge(one: _Node, other: _Node) -> Markup:
    left, right = _x(one) + _WIDE, _x(other)
    y1, y2, bend = one.y + _HIGH / 2, other.y + _HIGH / 2, min(_GAP, right - left) / 2
    # A path that has no middle passes under nothing: it bends beside its end.
    middle, end = f"{left + bend:.0f}", f"{left + 2 * bend:.0f}"
    line = f"M{left} {y1:.1f}C{middle} {y1:.1f} {middle} {y2:.1f} {end} {y2:.1f}H{right}"
    return element("path", d=line, fill="none", stroke="currentColor", class_="edge")


_SHAPES: Final = {
    "repository": "M2 5h6l2 2h8v11H2z",
    "code": "M7 5 2 11l5 6M13 5l5 6-5 6",
    "file": "M4 2h8l4 4v14H4zM12 2v4h4",
    "model": "M10 2l8 4.5v9L10 20l-8-4.5v-9zM2 6.5l8 4.5 8-4.5M10 11v9",
    "data set": "M3 5c0-4 14-4 14 0v11c0 4-14 4-14 0zM3 5c0 4 14 4 14 0",
    "package": "M2 4h16v16H2zM2 9h16M8 4v5h4V4",
    "critical": "M10 1l9 10-9 10L1 11z",
    "high": "M10 3l9 16H1z",
    "medium": "M2 4h16v15H2z",
}


def _box(node: _Node) -> Markup:
    text = visible(node.text, limit=400)
    # Of a title the beginning says most, of a path the end does.
    ends = 0 if node.level else _LETTERS - 10
    short = text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1 - ends]}…{text[len(text) - ends :]}"
    filled = "currentColor" if node.level else "none"
    return element(
        "g",
        element("title", f"{node.kind} {text}{_times(node)}"),
        element("rect", width=_WIDE, height=_HIGH, rx=8, fill="none", stroke="currentColor"),
        element(
            "path",
            d=_SHAPES.get(node.level or node.kind, _SHAPES["file"]),
            transform="translate(10 12)",
            fill=filled,
            stroke="currentColor",
            class_="icon",
        ),
        element(
            "text",
            f"{node.kind}{f' × {node.times:,}' if node.times > 1 else ''}",
            x=40,
            y=18,
            fill="currentColor",
            class_="kind",
        ),
        element("text", short, x=40, y=35, fill="currentColor"),
        transform=f"translate({_x(node)} {node.y:.1f})",
        class_=f"node {node.level or node.kind}",
    )
