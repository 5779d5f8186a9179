"""Names and calls: what is imported under which name, what is called, what a result is used for."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.errors import LimitReached, Malformed
from scanner.limits import KIB, Limits
from scanner.model import Source
from scanner.patterns import pattern
from scanner.readers.pickle import arrays
from scanner.readers.pickle.literals import Literal, decode
from scanner.readers.pickle.opcodes import BYTEARRAY8, TEXT
from scanner.readers.pickle.resolve import BOUND, PARTIALS, RESOLVERS, called
from scanner.readers.pickle.values import (
    KEPT_ITEMS,
    KEPT_REFERENCES,
    Change,
    Computed,
    Event,
    Fresh,
    Global,
    Import,
    Made,
    Quiet,
    Use,
    Value,
    fresh,
)

if TYPE_CHECKING:
    from scanner.readers.pickle.crowd import Crowds

LONGEST_TEXT = 64 * KIB  # of a name, or of a text the machine computes with

_KEPT_TEXTS = 4096
_CHAIN = 40  # calls that one call leads to (partial of partial …)
# The one way to fill each kind of container.
_KINDS = {"list": "append", "dict": "setitem", "set": "add"}
_CONSTRUCTIONS = frozenset({"newobj", "newobj_ex"})
_FIXED = frozenset({int, Global, Computed})  # kinds of values that nothing changes
# A call, what may stand behind it and leaves its result alone (writes to the memo, frames), and a pop.
_DROPPED = pattern(rb"(?s)(?:[Ro\x81\x92]|i[^\n]*+\n[^\n]*+\n)(?:\x94|q.|r.{4}|p[^\n]*+\n|\x95.{8})*+[01]")
_BEHIND_A_CALL = 512  # bytes that are looked at for it


@lru_cache(maxsize=1)
def _renamings() -> tuple[Mapping[str, str], Mapping[tuple[str, str], tuple[str, str]]]:
    from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING  # pure data, kept with the unpickler

    return IMPORT_MAPPING, NAME_MAPPING


def renamed_from_python_2(module: str, name: str) -> tuple[str, str]:
    """What a loader of Python 3 takes the name for."""
    modules, names = _renamings()
    return names.get((module, name)) or (modules.get(module, module), name)


class Calls:
    """What the machine knows of names, calls and objects; the opcodes are in ``machine``."""

    def __init__(
        self, source: Source, limits: Limits, quiet: Callable[[str, str], int] | None, *, joblib: bool
    ) -> None:
        self.names: dict[tuple[str | None, str], Global] = {}
        self.crowds: Crowds | None = None  # who says which names need not be told apart
        self.acted = False  # something was imported
        self.tells_persistent = True
        self.tells_deep_calls = True  # those of results of calls of results
        self.first_array: int | None = None  # the first wrapper of joblib's that has array bytes behind it
        self.protocol = 0
        self._source = source
        self._limits = limits
        self._quiet = quiet
        self._joblib = joblib
        self._base = 0
        self._at = 0  # the next opcode, counted from _base
        self._window = b""
        self._events: list[Event] = []
        # Those of them that hold something which the stream may go on to fill. They are told before it does:
        # what a call is shown to be handed is what it was handed, wherever a window ends.
        self._pending: list[Event] = []
        self._texts: dict[int, str] = {}
        # What STACK_GLOBAL made of two literals, and EXT of a number, under the protocol that holds.
        self._paired: dict[tuple[Value, Value], Global] = {}
        self._extended: dict[int, Global] = {}
        self._rereads = 0
        self.extensions: dict[int, tuple[str, str]] = {}  # of the loader's process, not of the stream
        self._forgotten = False  # nothing is known of objects to come
        self._chain = 0
        self._object_array = False
        # What BUILD made an attribute of a name, which all its instances then have.
        self._planted_names: dict[Global, dict[str, Value]] = {}

    @property
    def position(self) -> int:
        """The offset of the next opcode."""
        return self._base + self._at

    # --- literals -----------------------------------------------------------------------------------------

    def literal(self, value: Value, limit: int = LONGEST_TEXT) -> tuple[Literal, bool]:
        """The plain value of a literal, cut at ``limit``, and whether it is whole.

        Raises TypeError for what is no literal, LimitReached where a stream asks for far ones without end.
        """
        if type(value) is Computed:
            return value.value, True
        if type(value) is not int:
            raise TypeError(type(value).__name__)
        if not self._base <= value < self._base + len(self._window):
            self._rereads += 1
            if self._rereads > self._limits.pickle_rereads:
                raise LimitReached("pickle_rereads", allowed=self._limits.pickle_rereads, offset=value)
        return decode(self._source, value, limit)

    def is_literal(self, value: Value) -> bool:
        """Whether ``literal`` has an answer."""
        return type(value) is int or type(value) is Computed

    def text(self, value: Value) -> str | None:
        """A text literal, or None for everything else and for what is too long to be a name."""
        if type(value) is not int:
            return value.value if type(value) is Computed and isinstance(value.value, str) else None
        known = self._texts.get(value)
        if known is not None:
            return known
        at = value - self._base
        window = self._window
        if at >= 0 and window[at : at + 1] == b"\x8c" and at + 2 + window[at + 1] <= len(window):
            try:
                found: Literal = window[at + 2 : at + 2 + window[at + 1]].decode()
            except UnicodeDecodeError:
                return None
        else:
            found, whole = self.literal(value)
            if not whole:
                return None
        if not isinstance(found, str):
            return None
        if len(self._texts) >= _KEPT_TEXTS:
            self._texts.clear()
        self._texts[value] = found
        return found

    def number(self, value: Value) -> int | None:
        """A whole-number literal, or None."""
        if not self.is_literal(value):
            return None
        found, _ = self.literal(value)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def byte_at(self, position: int) -> int:
        """One byte of the stream; 0 past its end."""
        at = position - self._base
        return (
            self._window[at]
            if 0 <= at < len(self._window)
            else (self._source.read_at(position, 1) or b"\0")[0]
        )

    # --- names --------------------------------------------------------------------------------------------

    def _name(self, module: str | None, name: str, offset: int, *, computed: bool = False) -> Global:
        """The one object for a name. Below protocol 3 the loader renames what Python 2 called otherwise."""
        old = None
        if self.protocol < 3 and module is not None and not computed:
            renamed = renamed_from_python_2(module, name)
            if renamed != (module, name):
                old = (module, name)
                module, name = renamed
        found = self.names.get((module, name))
        if found is None:
            if self.crowds is not None and len(self.names) >= self._limits.pickle_names_apart:
                found = self.crowds.one_of_many(module, name, offset, old)
                if found is not None:
                    return found
            if len(self.names) >= self._limits.pickle_names:
                raise LimitReached("pickle_names", allowed=self._limits.pickle_names, offset=offset)
            found = self.names[module, name] = Global(module, name, offset, computed=computed)
            found.raw = name == "NumpyArrayWrapper" and (module or "").startswith(arrays.MODULES)
            if self._quiet is not None and module is not None and not found.raw:
                found.quiet = int(self._quiet(module, name))
        if old is not None:
            found.old = old
        return found

    def _crowded(self, crowds: "Crowds", spelled: bytes, offset: int) -> Global | None:
        """What stands for a name in two lines that was not met before; None where it stands for itself."""
        try:
            module, name = spelled.decode().split("\n")
        except UnicodeDecodeError:
            return None
        if (module, name) in self.names or not module or not name:
            return None
        if self.protocol < 3 and renamed_from_python_2(module, name) != (module, name):
            return None
        return crowds.other(module, name, offset)

    def derived(self, module: str, name: str, offset: int) -> Global:
        """The object for a name that a call resolves to."""
        return self._name(module, name, offset, computed=True)

    def _imported(self, name: Global, how: str, offset: int) -> Global:
        if name.imports == 0 and not name.calls:
            name.offset, name.computed = offset, False
        name.imports += 1
        self.acted = self.acted or name.is_plausible
        if not name.quiet & Quiet.IMPORT:
            self._events.append(Import(name, offset, how))
        return name

    def _stack_name(self, module: Value, name: Value) -> Global:
        """The name of STACK_GLOBAL: both parts may be literals, computed, or beyond us."""
        offset = self.position
        parts: list[str | None] = []
        for value in (module, name):
            text = self.text(value)
            if text is None and not self._could_be_text(value):
                raise Malformed("stack-global", offset=self.position, wanted="two texts")
            parts.append(text)
        if parts[0] is None or parts[1] is None:
            said = f"{parts[0] or '<computed>'}.{parts[1] or '<computed>'}"
            return self._name(None, said, offset, computed=True)
        return self._name(parts[0], parts[1], offset)

    def _could_be_text(self, value: Value) -> bool:
        """Whether a loader could find a text here: one that is too long for us, or a call's result."""
        if type(value) is int:
            return self.byte_at(value) in TEXT and not self.literal(value)[1]
        if type(value) is not Made:
            return False
        callee = value.callee
        if type(callee) is not Global or callee.quiet & Quiet.TOLD:
            return True
        # What is honest and gives texts is followed, and never quiet.
        return not callee.quiet & (Quiet.CONSTRUCT if value.how in _CONSTRUCTIONS else Quiet.CALL)

    def _extension(self, code: int, offset: int) -> Global:
        found = self._extended.get(code)
        if found is None:
            known = self.extensions.get(code)
            if known is None:
                found = self._name(None, f"<extension {code}>", offset, computed=True)
            else:
                found = self._name(*known, offset)
            if not found.said and len(self._extended) < _KEPT_TEXTS:
                self._extended[code] = found
        return found

    # --- calls --------------------------------------------------------------------------------------------

    def arguments(self, args: Value) -> tuple[Value, ...] | None:
        """Positional arguments, or None where only the loader knows them."""
        if type(args) is tuple:
            return args
        if type(args) is Fresh and args.kind == "list":
            return tuple(args.items)  # the pure Python unpickler unpacks any sequence
        if type(args) is Made and args.result is None and type(args.callee) is Global:
            # tuple([...]) and the like: the arguments are those of its one argument.
            inner = args.args
            path = args.callee.path
            if path in ("builtins.tuple", "builtins.list") and type(inner) is tuple and len(inner) == 1:
                return inner[0] if type(inner[0]) is tuple else self._listed(inner[0])
        return None

    def _listed(self, value: Value) -> tuple[Value, ...] | None:
        return tuple(value.items) if type(value) is Fresh and value.kind != "dict" else None

    def _call(self, callee: Value, args: Value, how: str, offset: int, kwargs: Value | None = None) -> Value:
        """Tells the call, unless it is known to be quiet, and returns what it is known to return."""
        made = Made(callee, args, how, offset)
        if kwargs is not None:
            made.kwargs = kwargs
        result: Value | None = None
        if type(callee) is Global:
            constructs = how in _CONSTRUCTIONS or (how in ("obj", "inst") and args == ())
            if constructs:
                callee.makes += 1
            else:
                callee.calls += 1
            path = callee.path
            resolver = RESOLVERS.get(path)
            if resolver is None and "." in callee.name:
                resolver = BOUND.get(callee.name.rpartition(".")[2])
            given = self.arguments(args)
            quiet = callee.quiet
            if quiet & Quiet.LED and resolver is not None and given is not None:
                result = resolver(self, made, given)
                resolver = None
            if (
                type(result) is not Global
                and not quiet & (Quiet.CONSTRUCT if constructs else Quiet.CALL)
                and not (
                    quiet & Quiet.OBJECTS
                    and (given is None or not any(type(value) is Global for value in given))
                )
            ):
                # What a partial calls can be changed as well.
                self._tell(made, args if kwargs is None and path not in PARTIALS else made)
        elif type(callee) is Made:
            callee.uses |= Use.CALLED
            inner = callee.callee
            # Somebody heard enough of results of results of results: what they lead to is told as such.
            if self.tells_deep_calls or type(inner) is not Made or type(inner.callee) is not Made:
                self._tell(made, callee)
            resolver, given = called, self.arguments(args)
        else:
            self._refuse_call(callee, offset)
            self._tell(made, callee)
            resolver, given = None, self.arguments(args)
        if given is not None:
            for value in given:
                if type(value) is Made:
                    value.uses |= Use.ARGUMENT
            if resolver is not None and self._chain < _CHAIN:
                self._chain += 1
                try:
                    result = resolver(self, made, given)
                finally:
                    self._chain -= 1
        if result is None:
            return made
        made.result = result
        return result

    def _tell(self, event: Event, held: Value) -> None:
        """Notes ``event``, which shows what is ``held``: a tuple's items, or all of one value."""
        self._events.append(event)
        if type(held) is not tuple or not all(type(value) in _FIXED for value in held):
            self._pending.append(event)

    def throws_away(self, made: Made) -> bool:
        """Whether the stream drops the call's result right away, once it was written to the memo at most."""
        data = self._source.read_at(made.offset, _BEHIND_A_CALL)
        return _DROPPED.match(data) is not None

    def call(self, callee: Value, args: Value, how: str, offset: int) -> Value:
        """A call that another call leads to."""
        return self._call(callee, args, how, offset)

    def _refuse_call(self, callee: Value, offset: int) -> None:
        """Ends the stream where what is called can be called by no loader."""
        if type(callee) in (int, tuple, Fresh, Computed):
            raise Malformed("not-callable", offset=offset, found="a plain value", wanted="something to call")

    def method(self, value: Value, name: str) -> Value | None:
        """What the stream planted under ``name`` on ``value`` or on its class."""
        if type(value) is not Made:
            return None
        if value.attributes and name in value.attributes:
            return value.attributes[name]
        callee = value.callee
        if type(callee) is Global and callee in self._planted_names:
            return self._planted_names[callee].get(name)
        return None

    def _forget_shapes(self) -> None:
        """Before a slot is written anew or a name changed: nothing is known of objects to come."""
        raise NotImplementedError

    # --- what is put into things --------------------------------------------------------------------------

    def _fill(self, target: Value, stack: list[Value], mark: int, how: str, offset: int) -> None:
        """APPEND(S), SETITEM(S), ADDITEMS: everything above ``mark`` goes into ``target``."""
        if type(target) is Fresh:
            if target.kind == "list" and how == "setitem":
                self._replace(target, stack, mark)
                return
            if _KINDS.get(target.kind) != how:
                raise Malformed("not-a-container", offset=offset, found=target.kind, wanted=f"one to {how}")
            self._fill_fresh(target, stack, mark, pairs=how == "setitem")
            return
        items = tuple(stack[mark : mark + KEPT_ITEMS])
        if type(target) is Made:
            target.uses |= Use.FILLED
            for name in {"append": ("extend", "append"), "add": ("add",)}.get(how, ("__setitem__",)):
                planted = self.method(target, name)
                if planted is not None:
                    many = fresh("list")
                    many.items = list(items)
                    many.count = len(items)
                    self._call(planted, (many,) if name == "extend" else items, how, offset)
                    return
            if how == "setitem":
                self._refer(target, stack, mark, pairs=True)  # a dict's own kind can be a state too
            callee = target.callee
            if type(callee) is Global and callee.quiet & Quiet.FILL:
                return
        elif type(target) is Global and target.quiet & Quiet.CHANGE:
            return
        elif type(target) is tuple or (type(target) is int and self.byte_at(target) != BYTEARRAY8):
            raise Malformed("not-a-container", offset=offset)
        self._tell(Change(target, items, how, offset), items)

    def _replace(self, target: Fresh, stack: list[Value], mark: int) -> None:
        """``list[index] = value``: the items that are kept stay those of the list."""
        items = list(target.items)
        for index in range(mark, len(stack), 2):
            at = self.number(stack[index])
            if at is not None and -len(items) <= at < len(items):
                items[at] = stack[index + 1]
        target.items = items

    def _fill_fresh(self, target: Fresh, stack: list[Value], mark: int, *, pairs: bool) -> None:
        if not target.count:
            target.items = stack[mark : mark + KEPT_ITEMS]
        elif target.count < KEPT_ITEMS:
            target.items = [*target.items, *stack[mark : mark + KEPT_ITEMS]]
        target.count += len(stack) - mark
        for value in stack[mark + pairs :: 1 + pairs]:
            if type(value) is Global or type(value) is Made:
                self._refer(target, stack, mark, pairs=pairs)
                return

    def _refer(self, target: Fresh | Made, stack: list[Value], mark: int, *, pairs: bool) -> None:
        """Keeps what could be called among the items; what is merely an honest object cannot."""
        kept = target.references = target.references or []
        for index in range(mark + pairs, len(stack), 1 + pairs):
            value = stack[index]
            if type(value) is Made:
                callee = value.callee
                if type(callee) is Global and (value.how == "newobj" or callee.quiet & Quiet.CALL):
                    continue
            elif type(value) is not Global:
                continue
            if len(kept) < KEPT_REFERENCES or (
                type(value) is Global and not value.quiet and len(kept) < 8 * KEPT_REFERENCES
            ):
                kept.append((stack[index - 1] if pairs else None, value))
            elif type(target) is Fresh:
                target.overflow = True

    def _build(self, target: Value, state: Value, offset: int) -> int:
        """BUILD. Returns how many bytes of array data a joblib loader reads behind it."""
        planted = self._planted(state)
        if type(target) is Made:
            target.uses |= Use.FILLED
            target.state = state
            if target.callee_name in PARTIALS and type(state) is tuple and len(state) > 1:
                # partial.__setstate__ takes (function, arguments, keywords, attributes).
                target.later = None
                target.given = (state[0], *(self.arguments(state[1]) or ()))
            setter = self.method(target, "__setstate__")
            if setter is not None:
                self._call(setter, (state,), "setstate", offset)
                return 0
            if planted:
                if target.attributes is None:
                    target.attributes = planted
                else:
                    target.attributes.update(planted)
            callee = target.callee
            if type(callee) is Global:
                if callee.raw and self._joblib:
                    return self._array_behind(target, offset)
                if callee.quiet & Quiet.FILL:
                    return 0
        elif type(target) is Global:
            if planted:
                self._planted_names.setdefault(target, {}).update(planted)
                if not self._forgotten:
                    self._forget_shapes()
            if target.quiet & (Quiet.SLOTS if type(state) is tuple else Quiet.CHANGE):
                return 0
        else:
            return 0
        self._tell(Change(target, (state,), "build", offset), (state,))
        return 0

    def _planted(self, state: Value) -> dict[str, Value]:
        """What BUILD makes an attribute of its object and could be called later, by name."""
        parts = state[:2] if type(state) is tuple else (state,)
        planted: dict[str, Value] = {}
        for part in parts:
            if (type(part) is Fresh or type(part) is Made) and part.references:
                for key, value in part.references:
                    name = self.text(key) if key is not None else None
                    if name is not None:
                        planted[name] = value
        return planted

    def _array_behind(self, wrapper: Made, offset: int) -> int:
        if self.first_array is None:
            self.first_array = offset + 1
        found = arrays.behind(self, wrapper, offset + 1)
        if found is None:
            raise Malformed("array-wrapper", offset=offset, wanted="a shape and a dtype that can be followed")
        if found.objects:
            self._object_array = True
            return 0
        # Where fewer bytes are left, the machine finds the end inside them.
        return found.size

    def register_extension(self, module: str, name: str, code: int) -> None:
        """What ``copyreg.add_extension`` does, for EXT opcodes later in the stream."""
        self.extensions[code] = (module, name)
        self._extended.pop(code, None)
