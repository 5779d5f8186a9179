"""What a script states of how it trains: the call that trains, and the values that are written there.

Only what stands in the text: a value that is computed is told by its name alone, and a loop of one's own
(``loss.backward()``) states no step. Laws: transformers' ``Trainer`` and ``TrainingArguments`` (and classes
named after them), Lightning's ``Trainer.fit``, ``fit`` of scikit-learn, Keras, XGBoost, LightGBM and
CatBoost, ``argparse``.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sbom.model import Location, Step
from sbom.record import field, mutable
from scanner.code import source
from scanner.errors import ScanError
from scanner.limits import Limits
from scanner.model import Stage, Used
from scanner.text import visible

_MAY: Final = re.compile(rb"\.\s*(?:train|fit)\s*\(")
_LIBRARIES: Final = frozenset(
    {"sklearn", "keras", "tensorflow", "xgboost", "lightgbm", "catboost", "lightning", "pytorch_lightning"}
)
_BOOSTERS: Final = frozenset({"xgboost", "lightgbm"})  # xgboost.train(parameters, data)
_SAVES: Final = {  # the method or function, and which argument says where
    **dict.fromkeys(("save_pretrained", "save_model", "save_weights"), 0),
    "torch.save": 1,
    "joblib.dump": 1,
}
_MAX_STEPS: Final = 20
_MAX_PAIRS: Final = 500
_MAX_CHARS: Final = 200
_MAX_PARTS: Final = 100  # of one value


@mutable
class _Seen:
    """What one file says: classes by the names that hold their objects, modules by theirs, and the stage."""

    modules: dict[str, str] = field(default_factory=dict)
    held: dict[str, ast.Call] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    pairs: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, None] = field(default_factory=dict)
    where: Location | None = None


def stage(data: bytes, path: str, limits: Limits) -> Stage | None:
    """The stage that a script or notebook is, where it trains something; what cannot be read states none."""
    if _MAY.search(data) is None:
        return None
    seen = _Seen()
    try:
        for piece in source.pieces(data, Location(path), limits):
            _read(piece.tree, piece.where, seen)
    except ScanError:
        return None  # whoever reads the code tells why
    if seen.where is None:
        return None
    pairs = list((seen.options | seen.pairs).items())[:_MAX_PAIRS]
    return Stage(
        seen.where,
        path.rpartition("/")[2],
        tuple(seen.steps[:_MAX_STEPS]),
        outputs=tuple(Used(_beside(path, one), seen.where) for one in seen.outputs),
        parameters=tuple(pairs),
    )


def _beside(path: str, place: str) -> str:
    """A path as it stands to the script's folder: scripts are taken to be started from the root."""
    return "../" * path.count("/") + place


def _read(tree: ast.Module, where: Location, seen: _Seen) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                seen.modules[name.asname or name.name.partition(".")[0]] = name.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                seen.modules[name.asname or name.name] = f"{node.module}.{name.name}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1:
            seen.held[_key(node.targets[0])] = node.value
    calls = sorted(
        (node for node in ast.walk(tree) if isinstance(node, ast.Call)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    for call in calls:
        _call(call, where, seen)


def _call(call: ast.Call, where: Location, seen: _Seen) -> None:
    name = _full(call.func, seen)
    last = name.rpartition(".")[2]
    if last == "add_argument":
        seen.options |= dict(_option(call))
    elif last.endswith("TrainingArguments"):
        seen.pairs |= dict(_keywords(call, last))
        seen.outputs |= dict.fromkeys(_texts(value for key, value in _named(call) if key == "output_dir"))
    elif last in {"train", "fit"} and isinstance(call.func, ast.Attribute):
        made = _made(call.func.value, seen)
        if not _trains(made, last, name, seen):
            return
        seen.where = seen.where or where.at(line=call.lineno)
        if made is not None:
            seen.pairs |= dict(_keywords(made, _full(made.func, seen).rpartition(".")[2]))
        seen.pairs |= dict(_keywords(call, last))
        seen.steps.append(Step(visible(f"{_key(call.func.value)}.{last}".lstrip("."), limit=_MAX_CHARS)))
    elif (at := _SAVES.get(name, _SAVES.get(last))) is not None and len(call.args) > at:
        seen.outputs |= dict.fromkeys(_texts([call.args[at]]))


def _trains(made: ast.Call | None, last: str, name: str, seen: _Seen) -> bool:
    if made is None:
        return last == "train" and name.partition(".")[0] in _BOOSTERS
    kind = _full(made.func, seen)
    if kind.rpartition(".")[2].endswith("Trainer"):
        return True
    return last == "fit" and kind.partition(".")[0] in _LIBRARIES


def _made(node: ast.expr, seen: _Seen) -> ast.Call | None:
    """The call that made what a method is called of."""
    return node if isinstance(node, ast.Call) else seen.held.get(_key(node))


def _key(node: ast.expr) -> str:
    """A name, or an attribute of one; empty for anything longer."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _full(node: ast.expr, seen: _Seen) -> str:
    """The dotted name, its first part as it was imported; empty where it is no name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ".".join(reversed(parts))
    return ".".join([seen.modules.get(node.id, node.id), *reversed(parts)])


def _named(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    return ((each.arg, each.value) for each in call.keywords if each.arg is not None)


def _keywords(call: ast.Call, owner: str) -> Iterator[tuple[str, str]]:
    """Each keyword under the name of what it is given to; the value empty where it is not written there."""
    for key, value in _named(call):
        yield f"{owner}.{key}", _written(value)


def _option(call: ast.Call) -> Iterator[tuple[str, str]]:
    """An option of the command line that has a default."""
    names = [
        each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    for key, value in _named(call):
        if names and key == "default" and (text := _written(value)):
            yield visible(max(names, key=len), limit=_MAX_CHARS), text


def _written(node: ast.expr) -> str:
    """A value that stands in the text as it stands there; empty for one that is computed."""
    parts = list(islice(ast.walk(node), _MAX_PARTS))
    plain = all(
        isinstance(each, ast.Constant | ast.List | ast.Tuple | ast.UnaryOp | ast.USub | ast.Load)
        for each in parts
    )
    if not plain or len(parts) == _MAX_PARTS:
        return ""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return visible(str(node.value) if is_text else ast.unparse(node), limit=_MAX_CHARS)  # type: ignore[attr-defined]


def _texts(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value[:_MAX_CHARS]
