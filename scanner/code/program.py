"""The modules of a tree together: names to their values, parameters to what callers hand in, targets."""

import posixpath
import re
from collections.abc import Callable, Collection, Iterable

from scanner.code import built, configuration, objects, parsed
from scanner.code.apis import table
from scanner.code.arguments import argument, argument_of, place_of, reason
from scanner.code.composition import Part, composed
from scanner.code.module import Call, Module
from scanner.code.names import Names
from scanner.code.reached import functions
from scanner.code.values import (
    Const,
    Items,
    Made,
    Mix,
    Name,
    Param,
    Unknown,
    Value,
    alternatives,
    as_default,
    joined,
    path_joined,
    text_of,
)
from scanner.model import Resolved, Unresolved

_DEPTH = 12  # steps from name to name that are followed
_CONFIGURED = 2_000  # values that are taken from configurations
_CLASSES = 32  # classes above one class that are asked for a field
_STEPS = 2_000  # values that are looked up for one call
_CALLERS = 16  # callers of one function that are asked
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://")
# Opens or wraps what its first argument names: the target is that.
_HANDLES = frozenset(
    {
        "builtins.open",
        "io.open",
        "io.BytesIO",
        "io.StringIO",
        "io.BufferedReader",
        "gzip.open",
        "gzip.GzipFile",
        "bz2.open",
        "bz2.BZ2File",
        "lzma.open",
        "codecs.open",
        "os.path.join",
        "fsspec.open",
        "smart_open.open",
        "tensorflow.io.gfile.GFile",
        "tensorflow.gfile.GFile",
        "tensorflow.gfile.Open",
        "numpy.fromfile",
        "builtins.bytes",
        "builtins.memoryview",
        "base64.b64decode",
        "base64.decodebytes",
        "zlib.decompress",
        "gzip.decompress",
        "bz2.decompress",
        "lzma.decompress",
        "builtins.next",
        "builtins.iter",
        "builtins.sorted",
        "builtins.list",
        "codecs.decode",
        "contextlib.closing",
        "shutil.unpack_archive",
        "json.loads",
        "json.load",
    }
)
# Where bytes come in from another machine, or from whoever uses the program.
_WIRES = (
    "socket.",
    "redis.",
    "flask.request",
    "bottle.request",
    "quart.request",
    "fastapi.File",
    "fastapi.Body",
    "fastapi.Form",
    "kafka.",
    "zmq.",
    "paramiko.",
    "ftplib.",
    "boto3.",
    "google.cloud.storage.",
    "azure.storage.",
    "streamlit.file_uploader",
    "urllib3.",
    "aiohttp.",
    "websockets.",
    "pymongo.",
    "requests.",
    "httpx.",
)

# Classes of what a web framework hands to a function that answers a request.
_SENT = (
    "fastapi.UploadFile",
    "fastapi.Request",
    "fastapi.WebSocket",
    "starlette.",
    "django.http.",
    "litestar.",
    "aiohttp.web.",
    "flask.Request",
    "werkzeug.",
)


class Program:
    """The summaries of all modules, and the paths that the tree holds."""

    def __init__(
        self, modules: Iterable[Module], files: Collection[str], text: Callable[[str], bytes | None]
    ) -> None:
        self._text = text
        self._composed: dict[str, tuple[Part, ...]] = {}
        self._values: dict[tuple[str, tuple[str, ...]], Value | None] = {}
        self.modules = sorted(modules, key=lambda module: module.path)
        self.files = frozenset(files)
        self.folders = _folders(self.files)
        self._spent = 0
        self.names = Names(self.modules)
        self._calls: dict[str, list[tuple[Module, Call]]] = {}
        for module in self.modules:
            for call in module.calls:
                self._calls.setdefault(call.dotted.rpartition(".")[2], []).append((module, call))
        for pair in built.calls(built.objects(self.modules, self.files, self.text)):
            self._calls.setdefault(pair[1].dotted.rpartition(".")[2], []).append(pair)
        self.reached = {module.path: functions(module) for module in self.modules}

    # --- values ---

    def begin(self) -> None:
        """Begins the questions about one call: each call may take ``_STEPS`` of them."""
        self._spent = 0

    def settled(self, value: Value, module: Module, depth: int = 0) -> tuple[Value, ...]:
        """What a value may be, with the names of the tree and the callers of a function looked up."""
        self._spent += 1
        if depth > _DEPTH or self._spent > _STEPS:
            return (Unknown("it leads too far"),)
        found: list[Value] = []
        for each in alternatives(value):
            for row in self._settled(each, module, depth):
                if row not in found:
                    found.append(row)
        return tuple(found[:_CALLERS])

    def _settled(self, value: Value, module: Module, depth: int) -> tuple[Value, ...]:
        if isinstance(value, Name):
            defined = self._defined(value.dotted, module)
            return self.settled(defined[1], defined[0], depth + 1) if defined else (value,)
        if isinstance(value, Param):
            return self._handed_in(value, module, depth)
        if isinstance(value, Made):
            return self._given(value, module, depth)
        if isinstance(value, Mix) and depth < 4:
            parts = [self.settled(part, module, depth + 1) for part in value.parts]
            if all(len(part) == 1 and isinstance(part[0], Const) for part in parts):
                known = tuple(part[0] for part in parts)
                return (path_joined(known) if value.path else joined(known),)
        return (value,)

    def _defined(self, dotted: str, module: Module) -> tuple[Module, Value] | None:
        found = self.names.module_of(dotted, module.path)
        if found is None or not found[1]:
            return None
        value = found[0].constants.get(found[1])
        return None if value is None or value == Name(dotted) else (found[0], value)

    def _handed_in(self, param: Param, module: Module, depth: int) -> tuple[Value, ...]:
        found = self.names.module_of(param.function, module.path)
        function = found[0].functions.get(found[1]) if found else None
        if found is None or function is None:
            return (Unknown(f"it is the parameter {param.name}"),)
        values: list[Value] = []
        asked = 0
        called = param.function.removesuffix(".__init__")  # a constructor is called by its class
        for caller, call in self._calls.get(called.rpartition(".")[2], ()):
            if not self._is_call_of(call, caller, called):
                continue
            asked += 1
            if asked > _CALLERS:
                break
            given = argument(call, param.name, place_of(function.params, param.name, method=function.method))
            if given is not None and given != param:
                values += self.settled(given, caller, depth + 4)
        sent = dict(function.classes).get(param.name, "")
        if sent.startswith(_SENT):
            return tuple([*values, Name(sent)][:_CALLERS])
        default = dict(function.defaults).get(param.name)
        if default not in {None, Const(None, by_default=True), Const("", by_default=True)}:
            values += self.settled(default, found[0], depth + 1)
        if not values:
            return (Unknown(f"it is the parameter {param.name} of {param.function.rpartition('.')[2]}"),)
        return tuple(values[:_CALLERS])

    def _is_call_of(self, call: Call, module: Module, function: str) -> bool:
        if call.dotted == function:
            return True
        if not function.endswith(f".{call.dotted.rpartition('.')[2]}"):
            return False
        found = self.names.module_of(call.dotted, module.path)
        return found is not None and f"{found[0].name}.{found[1]}" == function

    def _given(self, value: Made, module: Module, depth: int) -> tuple[Value, ...]:
        """What a function of the tree returns, or an attribute of one of its classes."""
        written = self._configured(value, module)
        if written is not None:
            return (written,)
        known = objects.part_of(value, module, self, depth) if value.base is not None else ()
        if known:
            return known
        annotated = self._of_class(value, module, depth)
        if annotated:
            return annotated
        field = parsed.field_of(value)
        if field is not None:
            return tuple(as_default(each) for each in self.settled(field, module, depth + 1))
        found = self.names.module_of(value.dotted, module.path) if value.dotted[0] not in "?[" else None
        if found is None or not found[1]:
            return (value,)
        owner, name = found
        if name in owner.constants and not isinstance(owner.constants[name], Name):
            return self.settled(owner.constants[name], owner, depth + 1)
        given = owner.returns.get(name)
        return self.settled(given, owner, depth + 3) if given is not None and given != value else (value,)

    def _of_class(self, value: Made, module: Module, depth: int) -> tuple[Value, ...]:
        """An attribute of a parameter whose class the tree has: what callers construct it with, or default.

        ``cfg.path`` of ``cfg: Settings`` is the default of that field, and of what it is derived from.
        """
        name = value.dotted.rpartition(".")[2]
        if not value.dotted.startswith("?.") or value.args or value.keywords or depth > _DEPTH // 2:
            return ()
        classes = self._classes(value.base, module, depth)
        found: list[Value] = []
        for dotted in classes:
            above = self.field(dotted, name, module)
            if above is not None:
                found += (as_default(each) for each in self.settled(above[1], above[0], depth + 1))
        return tuple(dict.fromkeys(found))[:_CALLERS]

    def _classes(self, base: Value | None, module: Module, depth: int) -> tuple[str, ...]:
        """The full names of the classes that a parameter, or a field of one, is annotated with."""
        if isinstance(base, Param):
            found = self.names.module_of(base.function, module.path)
            function = found[0].functions.get(found[1]) if found else None
            said = dict(function.classes).get(base.name) if function is not None else None
            return (said,) if said else ()
        if isinstance(base, Made) and base.dotted.startswith("?.") and not base.args and depth < _DEPTH // 2:
            rows = self._of_class(base, module, depth + 1)
            return tuple(each.dotted for each in rows if isinstance(each, Made | Name))
        return ()

    def field(self, dotted: str, name: str, module: Module) -> tuple[Module, Value] | None:
        """The default of a class's field, its own or of a class of the tree above it."""
        todo, seen = [(dotted, module)], set[str]()
        while todo and len(seen) < _CLASSES:
            each, near = todo.pop(0)
            found = self.names.module_of(each, near.path) if each not in seen else None
            seen.add(each)
            if found is None or not found[1]:
                continue
            value = found[0].constants.get(f"{found[1]}.{name}")
            if value is not None:
                return found[0], value
            defined = found[0].constants.get(found[1])
            if isinstance(defined, Name) and defined.dotted not in seen:
                todo.append((defined.dotted, found[0]))  # imported there from elsewhere
            todo += ((above, found[0]) for above in found[0].bases.get(f"{found[0].name}.{found[1]}", ()))
        return None

    def _configured(self, value: Made, module: Module) -> Value | None:
        """What stands in a configuration of the tree under the keys that the code writes out."""
        found = configuration.keys_of(value)
        if found is None:
            return None
        for target in self._target(found[0].args[0], module, 4):
            if isinstance(target, Resolved) and target.held and len(self._values) < _CONFIGURED:
                asked = (target.name, found[1])
                if asked not in self._values:
                    self._values[asked] = self._written(target.name, found[1])
                return self._values[asked]
        return None

    def _written(self, path: str, keys: tuple[str, ...]) -> Value | None:
        """The value in a configuration, or in one of the files that it is put together with."""
        for part in self.composed(path):
            if keys[: len(part.keys)] != part.keys or len(part.keys) == len(keys):
                continue
            data = self.text(part.path)
            value = configuration.value_of(data, keys[len(part.keys) :], part.path) if data else None
            if value is not None:
                return value
        return None

    def composed(self, path: str) -> tuple[Part, ...]:
        """The files that the configuration at a path is put together with, itself first."""
        if path not in self._composed:
            known = path in self.files and path.endswith((".yaml", ".yml"))
            self._composed[path] = composed(path, self.files, self.text) if known else (Part(path),)
        return self._composed[path]

    def text(self, path: str) -> bytes | None:
        """The bytes of a file of the tree, None where it has none or they cannot be read."""
        return self._text(path) if path in self.files else None

    # --- targets ---

    def targets(self, value: Value | None, module: Module) -> tuple[Resolved | Unresolved, ...]:
        """What a load is of: one for each value that its argument may have."""
        if value is None:
            return (Unresolved("the call names nothing"),)
        rows: list[Resolved | Unresolved] = []
        for each in self.settled(value, module):
            for row in self._target(each, module, 0):
                if row not in rows:
                    rows.append(row)
        return tuple(rows) or (Unresolved("it is computed"),)

    def _target(self, value: Value, module: Module, depth: int) -> tuple[Resolved | Unresolved, ...]:
        if depth > _DEPTH:
            return (Unresolved("it leads too far"),)
        if isinstance(value, Const):
            return (self._constant(value, module),)
        if isinstance(value, Mix):
            head = text_of(value.parts[0]) if value.parts else None
            if head is not None and _SCHEME.match(head):
                return (Resolved("url", f"{head}…"),)
            return (Unresolved(f"a part of its path is not known: {reason(value)}"),)
        if isinstance(value, Made):
            return self._made(value, module, depth)
        if isinstance(value, Name) and value.dotted.startswith((*_WIRES, *_SENT)):
            return (Resolved("url", f"what {value.dotted} receives"),)
        if isinstance(value, Items):
            return tuple(
                row
                for each in value.values[:8]
                for inner in self.settled(each, module)
                for row in self._target(inner, module, depth + 1)
            ) or (Unresolved("it is empty"),)
        return (Unresolved(reason(value)),)

    def _constant(self, value: Const, module: Module) -> Resolved | Unresolved:
        if not isinstance(value.value, str):
            return Unresolved("it is not given by default" if value.value is None else "it is a number")
        text = value.value
        if not text:
            return Unresolved("it is an empty text")
        if _SCHEME.match(text) and not text.startswith("file://"):
            return Resolved("url", text, by_default=value.by_default)
        path = self.place(value, module)
        return Resolved("path", path or text, path is not None, value.by_default)

    def place(self, value: Const, module: Module) -> str | None:
        """The path from the root of a file or folder that the tree holds, None where it holds none."""
        if not isinstance(value.value, str):
            return None
        text = value.value.removeprefix("file://")
        if not text:
            return None
        folder = module.path.rpartition("/")[0]
        tries = (text,) if value.rooted else (text, posixpath.join(folder, text))
        for each in tries:
            path = posixpath.normpath(each)
            if path in self.files or path in self.folders:
                return path
        return None

    def _made(self, value: Made, module: Module, depth: int) -> tuple[Resolved | Unresolved, ...]:
        row = table().find(value.dotted)
        if row is not None and row.does in {"hub", "dataset", "timm"}:
            text = self._first_text(argument_of(value, row.keywords, row.at), module)
            revision = (
                self._first_text(dict(value.keywords).get(row.revision), module) if row.revision else ""
            )
            return (Resolved("hub", f"{text or '…'}{f'@{revision}' if revision else ''}"),)
        if row is not None and row.does in {"fetch", "request", "fetch-load"}:
            text = self._first_text(argument_of(value, row.keywords, row.at), module)
            return (Resolved("url", text or "an address that is computed"),)
        if value.dotted.startswith(_WIRES):
            return (Resolved("url", f"what {value.dotted} receives"),)
        inner = value.base
        if inner is None and value.dotted in _HANDLES and value.args:
            inner = value.args[0]
        if inner is None:
            return (Unresolved(reason(value)),)
        return tuple(
            row for each in self.settled(inner, module) for row in self._target(each, module, depth + 1)
        ) or (Unresolved(reason(value)),)

    def _first_text(self, value: Value | None, module: Module) -> str:
        if value is None:
            return ""
        return next((text for each in self.settled(value, module) if (text := text_of(each))), "")


def _folders(files: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for path in files:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)
