"""Pure: Python that a model, a data set or a configuration brings along: what it does, and what runs it.

Nobody imports such a file by name, so that reading the imports of a program never comes to it: a loader runs
it, at the moment when the model is loaded. Its calls are told where they act on the machine.
"""

import ast
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sbom.model import Digest, Location
from sbom.record import record, replace
from scanner.artifacts import source
from scanner.join.grades import is_automatic, place, said
from scanner.join.named import Kind, Named, Text, named
from scanner.join.plain import is_plain
from scanner.model import Artifact, Chain, CodeReading, Evidence, LoadSite, Reference, Resolved, factors
from scanner.text import visible

_FILES = 500  # files of Python that are read for one tree
_TOLD = 20  # calls of one file
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SYSTEM = frozenset({"os", "posix", "nt"})
_STARTS = ("system", "popen", "exec", "spawn", "posix_spawn", "startfile", "fork", "kill", "putenv", "dup2")
_IMPORTERS = frozenset({"__import__", "import_module", "modules", "globals", "builtins", "__builtins__"})
_MACHINE = frozenset({"runs commands", "runs code"})
_HOW = {
    "hub": "a load that trusts remote code",
    "dataset": "load_dataset on that folder",
    "pipeline": "a pipeline that is loaded with custom_pipeline",
    "endpoint": "an inference endpoint that serves this folder",
    "mlflow": "loading the model",
    "spacy": "building the pipeline",
    "agent": "loading this tool, or the agent that has it,",
    "settings": "reading this configuration, as OpenMMLab's libraries do,",
}


@record
class Brought:
    """The files that are brought along, in order, with what names each; ``foreign`` ones lie elsewhere."""

    rows: tuple[Named, ...] = ()
    files: tuple[tuple[str, Named], ...] = ()  # with the files that those import
    trees: tuple[tuple[str, ast.Module], ...] = ()

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files as what a load of their folder takes."""
        return tuple(Artifact(Location(path), "python", 0, (Digest("path", path),)) for path, _ in self.files)


def brought(files: Collection[str], text: Text, sites: Iterable[LoadSite] = ()) -> Brought:
    """What the tree's configurations and loads have run, with what that imports beside itself."""
    rows = tuple(dict.fromkeys((*named(files, text), *_by_sites(sites))))
    found: dict[str, Named] = {}
    trees: dict[str, ast.Module] = {}
    todo = [(row.file, row) for row in reversed(rows) if row.file]
    while todo and len(trees) < _FILES:
        path, row = todo.pop()
        if path in found:
            continue
        found[path] = row
        tree = source.parsed(text(path) or b"")
        if tree is None:
            continue  # COV-001 tells of it
        trees[path] = tree
        todo += [(one, row) for one in sorted(_beside(path, tree, files)) if one not in found]
    return Brought(rows, tuple(sorted(found.items())), tuple(sorted(trees.items())))


def _by_sites(sites: Iterable[LoadSite]) -> Iterator[Named]:
    """The files of Python that lines of code hand to a loader by their path."""
    for site in sites:
        target = site.target
        if site.format != "hub-code" or not isinstance(target, Resolved) or not target.held:
            continue
        if target.kind == "path" and target.name.endswith(".py"):
            folder, _, name = target.name.rpartition("/")
            kind: Kind = "dataset" if site.library == "datasets" else "pipeline"
            yield Named(site.where, "the path", name, target.name, folder, kind)


def _beside(path: str, tree: ast.Module, files: Collection[str]) -> Iterator[str]:
    """The files beside a module that it imports: those are brought along with it."""
    for node in ast.walk(tree):
        yield from _imported(path, node, files)


def _imported(path: str, node: ast.AST, files: Collection[str]) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        folder = posixpath.normpath(posixpath.join(folder, *[".."] * max(node.level - 1, 0)))
        module = node.module or ""
        names = [module] if module else []
        names += [f"{module}.{alias.name}" if module else alias.name for alias in node.names]
    for name in names:
        inside = posixpath.normpath(posixpath.join(folder, name.replace(".", "/")))
        for one in (f"{inside}.py", f"{inside}/__init__.py"):
            if one in files and one != path:
                yield one


def references(found: Brought, sites: Iterable[LoadSite]) -> tuple[Reference, ...]:
    """The repositories whose Python configurations name, each with the commit that the loads of it name."""
    sites = tuple(sites)
    rows: dict[Reference, None] = {}
    for row in found.rows:
        if row.foreign:
            said = {dict(site.options).get("code_revision", "") for site in sites if _runs(site, row)}
            revision = next(iter(said)) if len(said) == 1 else ""
            rows[Reference("hub-model", row.foreign, row.where, revision, row.key)] = None
    return tuple(rows)


def _runs(site: LoadSite, row: Named) -> bool:
    target = site.target
    if site.format != "hub-code" or not isinstance(target, Resolved) or target.kind != "path":
        return False
    base = "" if target.name == "." else target.name
    return not base or row.folder == base or row.folder.startswith(f"{base}/")


def with_files(reading: CodeReading, found: Brought) -> CodeReading:
    """The reading with the repositories that configurations name beside those that code names."""
    more = references(found, reading.sites)
    return replace(reading, references=(*reading.references, *more)) if more else reading


def told(evidence: Iterable[Evidence], found: Brought, chains: Sequence[Chain]) -> Iterator[Evidence]:
    """The evidence, where what names Python says where that lies and what runs it; SRC-011 for its calls."""
    by_name = {(row.where.path, f"{row.key}:{row.name}"): row for row in found.rows}
    loads = _loads(chains)
    plain = _plain(found)
    folders = {chain.loads: chain for chain in chains if chain.unsafe is not False}
    for each in evidence:
        row = by_name.get((each.where.path, each.subject)) if each.rule == "ART-012" else None
        yield _placed(each, row, loads, plain) if row is not None else each
    named_by = dict(found.files)
    for path, tree in found.trees:
        row = named_by[path]
        yield from _calls(path, tree, row, loads.get(path) or folders.get(row.folder))


def _loads(chains: Sequence[Chain]) -> Mapping[str, Chain]:
    """By file the line that loads it, one that comes about by itself first."""
    rows: dict[str, Chain] = {}
    for chain in chains:
        for where in chain.artifacts if chain.unsafe is not False else ():
            before = rows.get(where.path)
            if before is None or (is_automatic(chain) and not is_automatic(before)):
                rows[where.path] = chain
    return rows


def _placed(each: Evidence, row: Named, loads: Mapping[str, Chain], plain: Collection[str]) -> Evidence:
    chain = loads.get(row.where.path)
    message, measured = each.message, each.factors
    if row.file in plain:
        # A door, and what lies behind it was read: it only computes. It may be another file tomorrow.
        message += f"; it is {visible(row.file, limit=200)}, which was read and only computes"
        kept = tuple(one for one in measured if one[0] != "effect")
        measured = (*kept, *factors(ref=visible(row.file, limit=200), effect="weakens"))
    elif row.file:
        message += f"; it is {visible(row.file, limit=200)}"
    elif not row.foreign:
        message += "; no such file lies beside it"
    if chain is not None:
        message += f"; {said(chain)}"
    return replace(each, message=message, factors=measured)


def _plain(found: Brought) -> frozenset[str]:
    """The files that only compute, and so does all that they import of the tree."""
    open_ = {path for path, _ in found.files} - {path for path, tree in found.trees if is_plain(tree)}
    names = frozenset(path for path, _ in found.files)
    open_ |= {path for path, tree in found.trees if _lacks(path, tree, names)}
    needs = {path: frozenset(_beside(path, tree, names)) for path, tree in found.trees}
    before = -1
    while before != len(open_):
        before = len(open_)
        open_ |= {path for path, wanted in needs.items() if wanted & open_}
    return names - open_


def _lacks(path: str, tree: ast.Module, names: Collection[str]) -> bool:
    """Whether a module imports something beside itself that was not read."""
    return any(
        isinstance(node, ast.ImportFrom) and node.level and next(_imported(path, node, names), None) is None
        for node in ast.walk(tree)
    )


def _calls(path: str, tree: ast.Module, row: Named, chain: Chain | None) -> Iterator[Evidence]:
    inside = _inside_functions(tree)
    by_call: dict[str, tuple[str, int, bool]] = {}
    mine = _own_names(tree)
    for called, does, line in source.dangerous(tree):
        if "pickle" in does:
            continue  # the reader of code tells what is loaded there, and from where
        if called.partition(".")[0] in mine or not _acts(called):
            continue
        at_once = not any(first <= line <= last for first, last in inside)
        before = by_call.get(called)
        if before is None or (at_once and not before[2]):
            by_call[called] = (does, line, at_once)
    for called, (does, line, at_once) in list(by_call.items())[:_TOLD]:
        yield _evidence(path, called, does, line, row, chain, at_once=at_once)


def _acts(called: str) -> bool:
    """Whether a call of ``os`` starts something: of its others a program makes folders and asks for paths."""
    module, _, name = called.rpartition(".")
    return module not in _SYSTEM or name.startswith(_STARTS)


def _own_names(tree: ast.Module) -> frozenset[str]:
    """The names that the module binds itself and imports nowhere: a variable ``trace`` is no module.

    Where anything gives modules otherwise (``os = __import__("os")``), no name is taken for a variable.
    """
    bound: set[str] = set()
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif _gives_a_module(node):
            return frozenset()
    return frozenset() if "*" in imported else frozenset(bound - imported)


def _gives_a_module(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id in _IMPORTERS) or (
        isinstance(node, ast.Attribute) and node.attr in _IMPORTERS
    )


def _inside_functions(tree: ast.Module) -> list[tuple[int, int]]:
    return [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, _FUNCTIONS) and node.lineno != (node.end_lineno or node.lineno)
    ]


def _evidence(
    path: str, called: str, does: str, line: int, row: Named, chain: Chain | None, *, at_once: bool
) -> Evidence:
    shown = visible(called, limit=160)
    whose = f"{row.key} in {place(row.where)} names it" if row.where.path != path else f"{row.key} has it run"
    message = f"{_HOW[row.kind]} runs this ({whose}); it calls {shown}, which {does}"
    message += " as soon as it is imported" if at_once else ""
    message += f"; {said(chain)}" if chain is not None else ""
    trigger = "automatic" if chain is not None and is_automatic(chain) else "on_use"
    exploitation = "poc" if does in _MACHINE and at_once else "none"
    effect = "total" if does in _MACHINE else "weakens"
    # Much that serves a model fetches its inputs; what is fetched by an import is another matter.
    sure = "indicated" if does in _MACHINE or at_once else "heuristic"
    ref = place(chain.where) if chain is not None else place(row.where)
    return Evidence(
        "SRC-011",
        Location(path, line=line),
        message,
        f"{path}:{shown}",
        factors(ref=ref, trigger=trigger, exploitation=exploitation, effect=effect, evidence=sure),
    )
