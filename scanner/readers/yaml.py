"""YAML as a tree whose every node knows its line; anchors are shared, never unfolded, and counted as if.

Built from the parser's events: nothing is constructed, so that no tag can name a type.
"""

from collections.abc import Iterator

from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.patterns import pattern
from scanner.readers import decoding

_LIMITS = Limits()


@mutable
class Node:
    """A scalar (``text``), a list (``items``) or a mapping (``pairs``). ``size`` counts what is below it."""

    line: int
    kind: str = "scalar"
    text: str = ""
    style: str = ""
    end: int = 0
    items: list["Node"] = field(default_factory=list)
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    size: int = 1

    def get(self, name: str) -> "Node | None":
        """The value under a key, the last one where it stands twice; merged mappings (``<<``) count too."""
        found = None
        for key, value in self.pairs:
            if key.kind == "scalar" and key.text == name:
                found = value
        if found is None:
            for key, value in self.pairs:
                if key.text == "<<" and value is not self:
                    for one in [value, *value.items]:
                        found = found or (one.get(name) if one.kind == "map" else None)
        return found

    def scalars(self) -> list["Node"]:
        """The scalar itself, or those of the list."""
        if self.kind == "scalar":
            return [self] if self.text else []
        return [item for item in self.items if item.kind == "scalar" and item.text]

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Keys that are scalars, and their values."""
        for key, value in self.pairs:
            if key.kind == "scalar":
                yield key.text, value


def load(data: bytes, max_bytes: int = _LIMITS.project_bytes) -> tuple[list[Node], list[str]]:
    """The documents of a YAML file, and its lines.

    Raises Malformed where it is none, LimitReached past the bytes, the nesting or the nodes (aliases counted
    as often as they are used).
    """
    if len(data) > max_bytes:
        named = "project_bytes" if max_bytes == _LIMITS.project_bytes else "lock_bytes"
        raise LimitReached(named, allowed=max_bytes, found=len(data))
    import yaml

    text, _ = decoding.decode(data)
    documents: list[Node] = []
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        builder = _Builder(documents, _as_shown(text))
        for event in yaml.parse(text.lstrip("\ufeff"), Loader=loader):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = _shown_at(_as_shown(text), mark.line) if mark is not None else None
        found = str(getattr(error, "problem", "") or type(error).__name__)
        raise Malformed("yaml", line=line, found=found, wanted="YAML") from error
    return documents, _END.split(text)


# Ends of line as editors count them; YAML 1.1 has three more.
_END = pattern(r"\r\n|\n|\r")
_BREAK = pattern(r"\r\n|[\n\r\x85\u2028\u2029]")


def _as_shown(text: str) -> list[int]:
    """For each line as YAML counts them, the line that an editor shows; empty where they are the same."""
    if not any(odd in text for odd in "\x85\u2028\u2029"):
        return []
    shown = [1]
    for found in _BREAK.finditer(text):
        shown.append(shown[-1] + (found.group() in {"\r\n", "\n", "\r"}))
    return shown


def _shown_at(shown: list[int], line: int) -> int:
    """The line that an editor shows for YAML's ``line``, which counts from 0."""
    return shown[min(line, len(shown) - 1)] if shown else line + 1


class _Builder:
    def __init__(self, documents: list[Node], shown: list[int]) -> None:
        self._shown = shown
        self._documents = documents
        self._stack: list[tuple[Node, list[Node]]] = []
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()
        self._names: list[str] = []
        self._total = 0

    def take(self, event: object) -> None:
        """Adds what one event says to the tree."""
        kind = type(event).__name__
        mark = getattr(event, "start_mark", None)
        line = _shown_at(self._shown, mark.line) if mark is not None else 1
        anchor = getattr(event, "anchor", None) or ""
        if kind == "ScalarEvent":
            end = getattr(event, "end_mark", None)
            text, style = getattr(event, "value", ""), getattr(event, "style", "") or ""
            self._add(
                Node(
                    line, "scalar", text, style, _shown_at(self._shown, end.line) if end is not None else line
                ),
                anchor,
            )
        elif kind in {"SequenceStartEvent", "MappingStartEvent"}:
            if len(self._stack) >= _LIMITS.nesting:
                raise LimitReached("nesting", allowed=_LIMITS.nesting)
            self._stack.append((Node(line, "list" if kind[0] == "S" else "map"), []))
            self._names.append(anchor)
            self._open.add(anchor)
        elif kind in {"SequenceEndEvent", "MappingEndEvent"}:
            node, children = self._stack.pop()
            anchor = self._names.pop()
            self._open.discard(anchor)
            if node.kind == "list":
                node.items = children
            else:
                node.pairs = list(zip(children[::2], children[1::2], strict=False))
            node.size = 1 + sum(child.size for child in children)
            self._add(node, anchor)
        elif kind == "AliasEvent":
            if anchor in self._open:
                raise Malformed(
                    "yaml-alias", line=line, found=f"*{anchor} inside of &{anchor}", wanted="a tree"
                )
            self._add(self._anchors.get(anchor, Node(line)), "")
        elif kind == "DocumentStartEvent":
            self._anchors.clear()

    def _add(self, node: Node, anchor: str) -> None:
        self._total += 1
        if max(node.size, self._total) > _LIMITS.yaml_nodes:
            raise LimitReached("yaml_nodes", allowed=_LIMITS.yaml_nodes)
        if anchor:
            self._anchors[anchor] = node
        if self._stack:
            self._stack[-1][1].append(node)
        else:
            self._documents.append(node)


def script(node: Node, lines: list[str]) -> list[tuple[int, str]]:
    """The physical lines of a scalar that holds shell text, each with its own number.

    What YAML folds into one line is one command continued.
    """
    if node.style == "|":
        return [(node.line + 1 + at, row) for at, row in enumerate(node.text.split("\n"))]
    if node.style == ">" or (not node.style and node.end > node.line):
        first = node.line if node.style == ">" else node.line - 1
        raw = lines[first : max(node.end - 1 if node.style == ">" else node.end, first)]
        if node.style != ">" and raw:
            raw[0] = raw[0][raw[0].find(node.text.partition(" ")[0]) :]
        rows = [(first + 1 + at, row.strip()) for at, row in enumerate(raw)]
        return [
            (number, f"{row} \\" if row and at + 1 < len(rows) and rows[at + 1][1] else row)
            for at, (number, row) in enumerate(rows)
        ]
    return [(node.line + at, row) for at, row in enumerate(node.text.split("\n"))]
