"""setup.py, read as a syntax tree and never run: what its call of ``setup()`` asks for.

Law: setuptools' documentation, "Keywords"; Python's grammar. Literals, names bound to them, their sums, and
lists that are appended to are followed; whatever else stands there is said not to be known.
"""

import ast
from collections.abc import Iterator

from sbom.model import Location
from sbom.purl import normalise_name
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import locks, people, pep508, urls
from scanner.manifests.requirements import declared
from scanner.model import IndexUse, ProjectName, Reading
from scanner.readers import decoding
from scanner.text import visible

_LIMITS = Limits()
_GROUPS = {"install_requires": "", "requires": "", "tests_require": "test", "setup_requires": "build-system"}
_REMEDY = "Write the requirements as literals, or move them to pyproject.toml; here they were not checked."
_MAX_STEPS = 100_000  # expressions looked at, names followed included
_MAX_DEPTH = 60


@mutable
class _Script:
    """The tree with what its names are bound to, wherever in it."""

    file: locks.Lock
    bound: dict[str, list[ast.expr]] = field(default_factory=dict)
    added: dict[str, list[ast.expr]] = field(default_factory=dict)
    steps: int = 0


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a setup.py declares as far as its text tells; the rest is COV-005 at the line that computes it.

    Raises Malformed where it is no Python, LimitReached past the bytes or the nesting of one manifest.
    """
    if len(data) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
    text, trouble = decoding.decode(data, cookie=True)
    tree = _tree(text)
    script = _Script(locks.Lock(where, remedy=_REMEDY))
    if trouble:
        script.file.bad(1, trouble)
    calls = _gather(script, tree)
    for call in calls:
        _call(script, call)
        yield from script.file.drained()
    yield from script.file.drained()


def _tree(text: str) -> ast.Module:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the scanned text: an odd escape is its own affair
            return ast.parse(text)
    except SyntaxError as error:
        reason = visible(str(error.msg), limit=120)
        raise Malformed("python", line=error.lineno, found=reason, wanted="Python 3") from error
    except (RecursionError, MemoryError) as error:
        raise LimitReached("nesting", allowed=_LIMITS.nesting) from error
    except ValueError as error:  # a NUL byte
        raise Malformed("python", found=visible(str(error), limit=120)) from error


def _gather(script: _Script, tree: ast.Module) -> list[ast.Call]:
    """Every call of setup(); names with all that is bound or added to them on the way."""
    calls = []
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                script.bound.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                script.bound.setdefault(name, []).append(value)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                script.added.setdefault(name, []).append(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="extend"), args=[value]):
                script.added.setdefault(name, []).append(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                script.added.setdefault(name, []).append(ast.copy_location(_listed(value), value))
            case ast.Call(func=ast.Name(id="setup") | ast.Attribute(attr="setup")):
                calls.append(node)
    return calls


def _listed(value: ast.expr) -> ast.expr:
    return ast.List(elts=[value], ctx=ast.Load())


def _call(script: _Script, call: ast.Call) -> None:
    keywords: dict[str, ast.expr] = {}
    for keyword in call.keywords:
        if keyword.arg is not None:
            keywords[keyword.arg] = keyword.value
            continue
        found = False
        for table in _values(script, keyword.value):
            if isinstance(table, ast.Dict):
                found = True
                for key, value in zip(table.keys, table.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        keywords.setdefault(key.value, value)
        if not found:
            script.file.bad(keyword.value.lineno, "keywords of setup() that are computed when it runs")
    _name(script, call, keywords)
    for what, group in _GROUPS.items():
        if what in keywords:
            _requirements(script, keywords[what], what, group, "")
    if "extras_require" in keywords:
        _extras(script, keywords["extras_require"])
    if "dependency_links" in keywords:
        for line, text in _texts(script, keywords["dependency_links"], "dependency_links"):
            url, had = urls.without_credentials(text)
            where = script.file.where.at(line=line)
            script.file.rows.append(IndexUse(url, where, extra=True, flat=True, had_credentials=had))


def _name(script: _Script, call: ast.Call, keywords: dict[str, ast.expr]) -> None:
    words = {}
    for key in ("name", "version", "description", "license", "author", "author_email"):
        texts = {
            value.value
            for value in (_values(script, keywords[key]) if key in keywords else ())
            if isinstance(value, ast.Constant) and isinstance(value.value, str)
        }
        words[key] = texts.pop() if len(texts) == 1 else ""
    if words["name"]:
        where = script.file.where.at(line=keywords["name"].lineno if "name" in keywords else call.lineno)
        script.file.rows.append(
            ProjectName(
                where,
                words["name"],
                words["version"],
                words["description"],
                words["license"],
                people.stated(words["author"], words["author_email"]),
            )
        )


# --- values -----------------------------------------------------------------------------------------------


def _values(
    script: _Script, node: ast.expr, depth: int = 0, seen: frozenset[str] = frozenset()
) -> Iterator[ast.expr]:
    """The expressions that ``node`` may stand for: names followed to all that is bound to them."""
    script.steps += 1
    if script.steps > _MAX_STEPS or depth > _MAX_DEPTH:
        raise LimitReached("declarations", allowed=_MAX_STEPS)
    if isinstance(node, ast.Name) and node.id not in seen and node.id in script.bound:
        for value in (*script.bound[node.id], *script.added.get(node.id, ())):
            yield from _values(script, value, depth + 1, seen | {node.id})
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        text = _joined(script, node)
        if text is not None:
            yield ast.copy_location(ast.Constant(text), node)
        else:
            yield from _values(script, node.left, depth + 1, seen)
            yield from _values(script, node.right, depth + 1, seen)
    elif isinstance(node, ast.IfExp):
        yield from _values(script, node.body, depth + 1, seen)
        yield from _values(script, node.orelse, depth + 1, seen)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        tables = [
            table for table in _values(script, node.value, depth + 1, seen) if isinstance(table, ast.Dict)
        ]
        items = [
            value
            for table in tables
            for key, value in zip(table.keys, table.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == node.slice.value
        ]
        for item in items:
            yield from _values(script, item, depth + 1, seen)
        if not items:
            yield node
    else:
        yield node


def _joined(script: _Script, node: ast.expr, depth: int = 0) -> str | None:
    """The text of a sum or a formatted string of literals, or None."""
    script.steps += 1
    if script.steps > _MAX_STEPS:
        raise LimitReached("declarations", allowed=_MAX_STEPS)
    if depth > _MAX_DEPTH:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if len(script.bound.get(name, ())) == 1 and name not in script.added:
            return _joined(script, script.bound[name][0], depth + 1)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            parts = [_joined(script, left, depth + 1), _joined(script, right, depth + 1)]
        case ast.JoinedStr(values=values):
            parts = [_joined(script, value, depth + 1) for value in values]
        case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
            return _joined(script, value, depth + 1)
        case _:
            return None
    texts = [part for part in parts if part is not None]
    return "".join(texts) if len(texts) == len(parts) and sum(map(len, texts)) < _LIMITS.line_chars else None


def _texts(script: _Script, node: ast.expr, what: str) -> Iterator[tuple[int, str]]:
    """The strings that a value lists, each with its line; a finding for each part that is computed."""
    todo = [node]
    while todo:
        for value in _values(script, todo.pop(0)):
            text = _joined(script, value)
            if isinstance(value, ast.List | ast.Tuple | ast.Set):
                todo += [item.value if isinstance(item, ast.Starred) else item for item in value.elts]
            elif text is not None:
                yield from ((value.lineno, line.strip()) for line in text.splitlines() if line.strip())
            elif not (isinstance(value, ast.Constant) and value.value is None):
                script.file.bad(
                    value.lineno, f"a part of {what} is computed when setup.py runs, which is never done here"
                )


def _requirements(script: _Script, node: ast.expr, what: str, group: str, marker: str) -> None:
    for line, text in _texts(script, node, what):
        if text.startswith("#"):
            continue
        head, semicolon, own = text.partition(";")
        asked = text
        if marker:
            asked = f"{head} ; ({own.strip()}) and ({marker})" if semicolon else f"{text} ; {marker}"
        try:
            found = pep508.parse(asked)
        except pep508.InvalidRequirement as error:
            script.file.bad(line, f"{urls.masked(text)} is no requirement ({error})")
            continue
        script.file.rows.append(declared(found, script.file.where.at(line=line), group=group))


def _extras(script: _Script, node: ast.expr) -> None:
    for table in _values(script, node):
        if not isinstance(table, ast.Dict):
            script.file.bad(table.lineno, "a part of extras_require is computed when setup.py runs")
            continue
        for key, value in zip(table.keys, table.values, strict=True):
            name = _joined(script, key) if key is not None else None
            if key is None:
                _extras(script, value)
            elif name is None:
                script.file.bad(key.lineno, "the name of an extra is computed when setup.py runs")
                _requirements(script, value, "extras_require", "extra", "")
            else:
                extra, _, marker = name.partition(":")
                _requirements(script, value, "extras_require", normalise_name(extra), marker.strip())
