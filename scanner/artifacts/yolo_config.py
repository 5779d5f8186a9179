"""Ultralytics' and YOLOv5's YAML: code and commands of a data set, expressions of a model, that they run.

Law: ``check_det_dataset`` of ultralytics and ``check_dataset`` of YOLOv5 (``download``: an address of a zip
is fetched, what begins with ``bash`` is a command, anything else is run as Python); ``parse_model`` of
YOLOv5, which evaluates the module and each argument of a row of ``backbone`` and ``head``, and
``activation``.
"""

import ast
import re
from collections.abc import Iterator
from typing import Literal

from sbom.model import Location
from scanner.artifacts import source
from scanner.errors import LimitReached, Malformed
from scanner.model import Evidence, Factors, factors
from scanner.patterns import pattern
from scanner.readers import yaml
from scanner.readers.yaml import Node
from scanner.text import visible

_RULE = "ART-031"
_SPEAKS = pattern(rb"""^["']?(?:download|backbone|head|activation)["']?[ \t]*:""", re.MULTILINE)
_ADDRESS = pattern(r"https?://\S+\Z")
_KEYS = ("path", "train", "val", "test", "names", "nc")  # a data set has two of them at least
_PARTS = ("backbone", "head")
_ROWS = 10_000  # of one model
_TOLD = 20  # findings of one file
_LONGEST = 10_000  # characters of one expression that is parsed
# What a text does: something on the machine, whatever a script of the tree does, or nothing that is known to.
_Kind = Literal["acts", "runs", "plain"]
_MEASURED: dict[_Kind, Factors] = {
    "acts": factors(exploitation="poc", evidence="confirmed"),
    "runs": factors(ref="what the command runs is not known", effect="partial"),
    "plain": factors(ref="no call that acts on the machine", effect="weakens"),
}
_Row = tuple[int, str, str, _Kind]  # line, message, subject and kind
_LAYERS = ("nn.", "torch.nn.")


def told(data: bytes, where: Location, message_chars: int) -> Iterator[Evidence]:
    """ART-031 for what a file of either kind has run. Of other and of broken YAML nothing is said here."""
    if not _SPEAKS.search(data):
        return
    try:
        documents, _ = yaml.load(data)
    except (Malformed, LimitReached):
        return  # whoever reads the file as YAML says so
    for document in documents[:1]:
        if document.kind != "map":
            continue
        for count, (line, says, about, kind) in enumerate(_found(document)):
            if count >= _TOLD:
                return
            message = visible(says, limit=message_chars)
            yield Evidence(_RULE, where.at(line=line), message, visible(about, limit=200), _MEASURED[kind])


def _found(document: Node) -> Iterator[_Row]:
    """Everything that a loader of the document evaluates."""
    download = document.get("download")
    if download is not None and sum(document.get(name) is not None for name in _KEYS) > 1:
        for each in download.scalars():
            yield from _download(each)
    for part in _PARTS:
        rows = document.get(part)
        for row in rows.items[:_ROWS] if rows is not None else ():
            if len(row.items) < 3 or row.items[2].kind != "scalar":
                continue
            arguments = row.items[3].items if len(row.items) > 3 else []
            for each in (row.items[2], *arguments):
                yield from _expression(part, each)
    activation = document.get("activation")
    if activation is not None and any(document.get(part) is not None for part in _PARTS):
        yield from _expression("activation", activation)


def _download(node: Node) -> Iterator[_Row]:
    text = node.text.strip()
    if not text or _ADDRESS.match(text):
        return
    shown = visible(text.split("\n")[0], limit=160)
    if text.startswith("bash "):
        yield node.line, f"checking this data set runs a command: {shown}", "download:bash", "runs"
        return
    tree = source.parsed(text.encode("utf-8", "surrogatepass"))
    if tree is None:
        return  # it runs to nothing but a syntax error
    acts = list(source.acting(tree))
    for path, does, line in acts:
        says = f"checking this data set runs Python that stands here, which calls {path}: it {does}"
        yield node.line + line, says, f"download:{path}", "acts"
    if not acts:
        yield node.line, "checking this data set runs Python that stands here", "download", "plain"


def _expression(part: str, node: Node) -> Iterator[_Row]:
    """A text that is evaluated and is more than the name or the value that honest rows have."""
    text = node.text.strip()
    if node.kind != "scalar" or len(text) > _LONGEST or not ("(" in text or "__" in text):
        return
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # evaluating it fails
    if not _is_plain(tree):
        shown = visible(text, limit=160)
        yield (
            node.line,
            f"building this model evaluates a text of {part} that is no layer: {shown}",
            f"{part}:{shown}",
            "acts",
        )


def _is_plain(tree: ast.Expression) -> bool:
    """Whether an expression calls nothing but layers of torch.nn, and reaches into nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not f"{source.dotted(node.func)}".startswith(_LAYERS):
            return False
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            return False
        if isinstance(node, ast.Name) and node.id.startswith("__"):
            return False
    return True
