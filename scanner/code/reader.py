"""One module's tree to a summary: its calls, constants, functions and classes.

Names are followed in the order of the statements, functions after the module around them. What stands in a
branch is one of several values. Nothing is executed; the work is bounded by ``code_steps``.
"""

import ast
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from sbom.model import Location
from scanner.code import definitions, inside, statements
from scanner.code import handed as handing
from scanner.code.apis import SETTINGS
from scanner.code.definitions import Defined
from scanner.code.expressions import (
    INITIALIZES,
    arguments,
    callees,
    dotted_path,
    evaluate,
    initialized,
)
from scanner.code.module import Call, Function, Module, name_of
from scanner.code.scope import Env, Known
from scanner.code.statements import Spot
from scanner.code.units import Unread
from scanner.code.values import (
    Const,
    Items,
    Made,
    Mix,
    Name,
    Param,
    Table,
    Unknown,
    Value,
    items,
    made,
    one_of,
    text_of,
)
from scanner.errors import LimitReached
from scanner.limits import Limits

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_SEQUENCES = (ast.Tuple, ast.List)
_SETTABLE = (Name, Made)
_OWNERS = frozenset({"self", "cls"})
_NONE = Const(None)
_UPDATES = "os.environ.update"
_TELLS = INITIALIZES | {_UPDATES}
_CLASSES = 32  # classes above one class that are asked for a method

_Arguments = tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]
_Later = tuple[Defined, Env, str]


class Reader:
    """Reads the trees of one file, cell by cell where it has cells, into one summary.

    Without ``deep`` only imports and constants are read; ``declares``: it declares a command line's options.
    ``wanted`` says of a call's full name whether it is worth keeping, ``loads`` whether the table has it,
    ``star_names`` what a star import brings along.
    """

    def __init__(
        self,
        path: str,
        wanted: Callable[[str], bool],
        loads: Callable[[str], bool],
        star_names: Mapping[str, frozenset[str]],
        limits: Limits,
        *,
        deep: bool = True,
        declares: bool = True,
    ) -> None:
        self.module = Module(path, name_of(path), deep=deep)
        self._prefix = f"{self.module.name}."
        self._wanted = wanted
        self._loads = loads
        self._declares = declares
        self._known = Known(path, star_names=star_names)
        self._env = Env()
        self._limits = limits
        self._steps = 0
        self._where = Location(path)
        self._later: deque[_Later] = deque()
        self._unread = Unread()

    def pass_over(self, unread: Unread) -> None:
        """Passes over these units of the tree that is read next."""
        self._unread = unread
        self.module.unheard |= unread.unheard

    def read(self, tree: ast.Module, where: Location) -> None:
        """Reads one tree. Raises LimitReached past ``code_steps``."""
        self._where = where
        if not self.module.deep:
            self._shallow(tree)
            self.module.constants = dict(self._env.bound)
            return
        statements.options(tree, self._env, self._known, declares=self._declares)
        self._body(tree.body, self._env, Spot())
        while self._later:
            function, env, name = self._later.popleft()
            self._function(function, env, name)
        self.module.constants = dict(self._env.bound)

    def _shallow(self, tree: ast.Module) -> None:
        """Imports wherever they stand, and what the module itself binds to a name."""
        todo: list[ast.stmt] = list(reversed(tree.body))
        while todo:
            node = todo.pop()
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, self._env)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target, value in statements.bindings(node):
                    self._bind(target, value, self._env, maybe=False)
            elif isinstance(node, ast.ClassDef):
                self._class_values(node)
            elif isinstance(node, ast.If | ast.Try):
                todo += reversed(statements.inside(node, Spot())[0])

    def _class_values(self, node: ast.ClassDef) -> None:
        self._env.bind(node.name, Name(f"{self.module.name}.{node.name}"))
        self._head(node, node.name, self._env)
        inner = self._env.inner()
        for each in node.body:
            if isinstance(each, ast.Assign | ast.AnnAssign):
                for target, value in statements.bindings(each):
                    self._bind(target, value, inner, maybe=False)
        for key, found in inner.bound.items():
            self._env.bind(f"{node.name}.{key}", found)

    # --- statements ---

    def _body(self, body: Sequence[ast.stmt], env: Env, spot: Spot) -> None:
        todo: list[tuple[ast.stmt, Spot]] = [(each, spot) for each in reversed(body)]
        while todo:
            statement, at = todo.pop()
            self._statement(statement, env, at)
            if type(statement) in statements.COMPOUND:
                inner, at = statements.inside(statement, at)
                todo += [(each, at) for each in reversed(inner)]

    def _statement(self, node: ast.stmt, env: Env, spot: Spot) -> None:
        self._known.forget()
        if isinstance(node, ast.Assign):
            self._assign(node, env, spot)
        elif isinstance(node, ast.Expr):
            self._calls(node.value, env, spot)
        elif isinstance(node, _FUNCTIONS):
            self._define(node, env, spot.function, read=node not in self._unread.units)
        elif isinstance(node, ast.ClassDef):
            self._class(node, env, spot)
        elif isinstance(node, _IMPORTS):
            self._import(node, env)
        elif isinstance(node, ast.Return):
            self._return(node, env, spot)
        else:
            for expression in inside.expressions(node):
                self._calls(expression, env, spot)
            for target, value in statements.bindings(node):
                self._bind(target, value, env, maybe=spot.maybe)

    def _assign(self, node: ast.Assign, env: Env, spot: Spot) -> None:
        self._calls(node.value, env, spot)
        for target in node.targets:
            self._calls(target, env, spot)
        found = evaluate(node.value, env, self._known)
        for target in node.targets:
            self._bind(target, found, env, maybe=spot.maybe)

    def _return(self, node: ast.Return, env: Env, spot: Spot) -> None:
        if node.value is None:
            return
        self._calls(node.value, env, spot)
        if spot.function:
            given = evaluate(node.value, env, self._known)
            before = self.module.returns.get(spot.function)
            self.module.returns[spot.function] = given if before is None else one_of(before, given)

    def _bind(self, target: ast.expr, value: ast.expr | Value, env: Env, *, maybe: bool) -> None:
        found = evaluate(value, env, self._known) if isinstance(value, ast.expr) else value
        if isinstance(target, ast.Name):
            if not maybe or found != _NONE:
                env.bind(target.id, found, maybe=maybe or target.id in _OWNERS)
            return
        if isinstance(target, _SEQUENCES):
            for at, each in enumerate(target.elts[:64]):
                inner: Value = (
                    made("[]", (Const(at),), base=found) if isinstance(found, Made) else Unknown("")
                )
                if isinstance(found, Items) and at < len(found.values):
                    inner = found.values[at]
                self._bind(each, inner, env, maybe=maybe)
            return
        name = dotted_path(target)
        if isinstance(target, ast.Subscript):
            base = evaluate(target.value, env, self._known)
            key = text_of(evaluate(target.slice, env, self._known))
            if isinstance(base, Name) and key is not None:
                self._setting(f"{base.dotted}[{key}]", found, target)
            return
        if not name:
            return
        head = name.partition(".")[0]
        owner = env.find(head) if "." in name else None
        if isinstance(owner, Name) and head == "self":
            self._attribute(owner.dotted, name[len("self.") :], found)
        if isinstance(owner, _SETTABLE):
            self._setting(f"{owner.dotted}{name[len(head) :]}", found, target)
        if not maybe or found != _NONE:
            scope = statements.owner(env, name)
            scope.bind(name, found, maybe=maybe or head in _OWNERS)

    def _attribute(self, owner: str, name: str, found: Value) -> None:
        """What a method keeps in its object is known to whoever has such an object."""
        own = owner.removeprefix(f"{self.module.name}.")
        told = isinstance(found, Param | Mix) or bool(text_of(found))
        if told and own != owner and "." not in name:
            self._env.bind(f"{own}.{name}", found, maybe=True)

    def _setting(self, dotted: str, value: Value, node: ast.expr) -> None:
        if dotted.endswith(SETTINGS) and self._wanted(dotted):
            self.module.settings.append((dotted, value, self._at(node)))

    def _import(self, node: ast.Import | ast.ImportFrom, env: Env) -> None:
        for alias in node.names:
            last = alias.name.rpartition(".")[2]
            self.module.imports |= {last, f"{last}."}  # with a dot: it may be a module, whatever is in it
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                env.bind(alias.asname or name, Name(name))
            return
        module = definitions.imported_from(node, self.module.name, self.module.path)
        for alias in node.names:
            if alias.name == "*":
                self._known.stars.append(module)
            else:
                self.module.imports.add(module.rpartition(".")[2])
                env.bind(alias.asname or alias.name, Name(f"{module}.{alias.name}" if module else alias.name))

    # --- functions and classes ---

    def _define(
        self, node: Defined, env: Env, outer: str, *, method: bool = False, read: bool = True
    ) -> None:
        name = f"{outer}.{node.name}" if outer else node.name
        if not method:
            env.bind(node.name, Name(f"{self.module.name}.{name}"))
        if not read:
            self.module.functions[name] = Function((), method=method)
            return
        spec = node.args
        for each in (*node.decorator_list, *spec.defaults, *spec.kw_defaults):
            if each is not None:
                self._calls(each, env, Spot(outer))
        self.module.functions[name] = definitions.signature(node, env, self._known, method=method)
        self._later.append((node, env, name))

    def _function(self, node: Defined, env: Env, name: str) -> None:
        self._known.forget()
        inner = env.inner()
        full = f"{self.module.name}.{name}"
        spec = node.args
        rows = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
        for at, each in enumerate(rows):
            if self.module.functions[name].method and at == 0 and each.arg in {"self", "cls"}:
                inner.bind(each.arg, Name(full.rpartition(".")[0]))
            else:
                inner.bind(each.arg, Param(full, each.arg))
        settings = next(
            (row for each in node.decorator_list if (row := definitions.configured(each, env, self._known))),
            None,
        )
        if settings is not None and rows:
            inner.bind(rows[0].arg, settings)
        for extra in (spec.vararg, spec.kwarg):
            if extra is not None:
                inner.bind(extra.arg, Unknown(f"it is handed on in {extra.arg}"))
        self._body(node.body, inner, Spot(name))

    def _class(self, node: ast.ClassDef, env: Env, spot: Spot) -> None:
        name = f"{spot.function}.{node.name}" if spot.function else node.name
        full = f"{self.module.name}.{name}"
        self._head(node, name, env)
        env.bind(node.name, Name(full))
        inner = env.inner()
        first = [each for each in node.body if isinstance(each, _FUNCTIONS) and each.name == "__init__"]
        rest = [each for each in node.body if each not in first]
        if first:
            self.module.edges.add((name, f"{name}.__init__", False))
        for each in rest:
            if not isinstance(each, _FUNCTIONS):
                self._body([each], inner, Spot(spot.function, spot.in_main))
        for key, value in list(inner.bound.items()):
            env.bind(f"{node.name}.{key}", value)
            inner.bind(f"self.{key}", value)
            inner.bind(f"cls.{key}", value)
        whole = node not in self._unread.units
        outlined = node in self._unread.outlined
        for method in (*first, *(each for each in rest if isinstance(each, _FUNCTIONS))):
            read = (whole and method not in self._unread.units) or (outlined and method in first)
            self._define(method, inner, name, method=True, read=read)

    def _head(self, node: ast.ClassDef, name: str, env: Env) -> None:
        """What a class is derived from, and what a constructor takes that nobody writes out."""
        bases = [evaluate(each, env, self._known) for each in node.bases[:16]]
        named = tuple(each.dotted for each in bases if isinstance(each, Name))
        # An unpickler that refuses some names is no longer one that builds whatever the file names.
        refuses = statements.refuses(node, "find_class")
        self.module.bases[f"{self.module.name}.{name}"] = () if refuses else named
        fields = definitions.fields(node)
        if fields and not bases:
            self.module.functions[f"{name}.__init__"] = Function(("self", *fields), method=True)

    # --- calls ---

    def _calls(self, root: ast.expr, env: Env, spot: Spot) -> None:
        if inside.is_plain(root):
            return
        found, self._steps = inside.told(root, self._steps, self._limits.code_steps)
        for node in found:
            if isinstance(node, ast.Call):
                self._call(node, env, spot)
            elif isinstance(node, ast.NamedExpr):
                self._bind(node.target, node.value, env, maybe=False)
                self._known.forget()
            elif isinstance(node, ast.comprehension):
                each = statements.each_of(evaluate(node.iter, env, self._known))
                self._bind(node.target, each, env, maybe=True)
                self._known.forget()

    def _call(self, node: ast.Call, env: Env, spot: Spot) -> None:
        func = node.func
        if type(func) is ast.Attribute and func.attr == "append" and len(node.args) == 1:
            self._append(func.value, node.args[0], env)
        for dotted, base in callees(node, env, self._known):
            if not dotted:
                continue
            if dotted in _TELLS:
                self._tell(dotted, node, env)
            if dotted.rpartition(".")[2] in handing.LASTS:
                for name, args, keywords in handing.handed(dotted, *arguments(node, env, self._known)):
                    self._keep(name, None, node, env, spot, (args, keywords))
            self._keep(dotted, base, node, env, spot)

    def _tell(self, dotted: str, node: ast.Call, env: Env) -> None:
        if dotted == _UPDATES:
            self._environment(node, env)
            return
        initialized(dotted, node, env, self._known)
        self._known.forget()

    def _environment(self, node: ast.Call, env: Env) -> None:
        """What is set for this program and those that it starts, from a table."""
        args, keywords = arguments(node, env, self._known)
        pairs = args[0].pairs if args and isinstance(args[0], Table) else ()
        for name, value in (*pairs, *keywords):
            self._setting(f"os.environ[{name}]", value, node)

    def _keep(
        self,
        dotted: str,
        base: Value | None,
        node: ast.Call,
        env: Env,
        spot: Spot,
        given: _Arguments | None = None,
    ) -> None:
        """Keeps a call that is worth it; ``given`` where the arguments are not those of ``node``."""
        own = dotted[len(self._prefix) :] if dotted.startswith(self._prefix) else ""
        if own:
            self.module.edges.add((spot.function, own, spot.in_main))
        if own not in self.module.functions and self.module.bases:
            dotted = self._inherited(dotted)
        if not self._wanted(dotted):
            return
        if len(self.module.calls) >= self._limits.code_calls:
            raise LimitReached("code_calls", allowed=self._limits.code_calls)
        args, keywords = given or arguments(node, env, self._known)
        if dotted == "functools.partial.__call__" and isinstance(base, Made) and base.args:
            first = base.args[0]
            dotted = first.dotted if isinstance(first, Name) else dotted
            args, keywords = (*base.args[1:], *args), (*base.keywords, *keywords)
        self.module.calls.append(
            Call(dotted, args, keywords, self._at(node), spot.function, spot.in_main, base)
        )

    def _append(self, target: ast.expr, value: ast.expr, env: Env) -> None:
        """A list that is written out goes on with what is appended to it."""
        name = dotted_path(target)
        before = env.find(name) if name else None
        if isinstance(before, Items):
            env.bind(name, items((*before.values, evaluate(value, env, self._known))))
            self._known.forget()

    def _inherited(self, dotted: str) -> str:
        """The method's full name in a class from elsewhere that a class here is derived from."""
        owner, _, method = dotted.rpartition(".")
        if owner not in self.module.bases:
            return dotted
        todo, seen = [*self.module.bases[owner]], {owner}
        while todo and len(seen) < _CLASSES:
            above = todo.pop(0)
            if above not in seen:
                seen.add(above)
                todo += self.module.bases.get(above, ())
                if above not in self.module.bases and self._loads(f"{above}.{method}"):
                    return f"{above}.{method}"
        return dotted

    def _at(self, node: ast.expr) -> Location:
        where = self._where
        return Location(where.path, where.member, None, node.lineno, where.cell)
