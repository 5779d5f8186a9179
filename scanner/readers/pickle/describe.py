"""Values in words: ``posix.system('echo hi')``, bounded whatever a stream nests."""

from scanner.readers.pickle.calls import Calls
from scanner.readers.pickle.values import Computed, Fresh, Global, Made, Persistent, Value

_PARTS = 60  # values that one description visits
_DEPTH = 6
_ITEMS = 12  # of one container
_TEXT = 200  # characters of one literal
_BRACKETS = {"list": ("[", "]"), "set": ("{", "}"), "frozenset": ("{", "}")}


class _Writer:
    def __init__(self, machine: Calls) -> None:
        self.machine = machine
        self.left = _PARTS

    def value(self, value: Value, depth: int) -> str:
        self.left -= 1
        if type(value) is int or type(value) is Computed:
            return self.literal(value)
        if self.left <= 0 or depth >= _DEPTH:
            return "…"
        if type(value) is Global:
            return value.path
        if type(value) is Made:
            return self.call(value, depth)
        if type(value) is tuple:
            inner = self.items(value, len(value), depth)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if type(value) is Fresh:
            return self.fresh(value, depth)
        if type(value) is Persistent:
            return f"persistent_load({self.value(value.id, depth + 1)})"
        return "…"

    def literal(self, value: Value) -> str:
        found, whole = self.machine.literal(value, _TEXT)
        return f"{found!r}{'' if whole else '…'}"

    def items(self, values: tuple[Value, ...], count: int, depth: int) -> str:
        parts = []
        for item in values[:_ITEMS]:
            if self.left <= 0:
                break
            parts.append(self.value(item, depth + 1))
        return ", ".join([*parts, "…"] if count > len(parts) else parts)

    def fresh(self, value: Fresh, depth: int) -> str:
        if value.kind != "dict":
            left, right = _BRACKETS[value.kind]
            return f"{left}{self.items(tuple(value.items), value.count, depth)}{right}"
        parts = []
        for key, item in zip(value.items[: 2 * _ITEMS : 2], value.items[1 : 2 * _ITEMS : 2], strict=False):
            if self.left <= 0:
                break
            parts.append(f"{self.value(key, depth + 1)}: {self.value(item, depth + 1)}")
        more = [*parts, "…"] if value.count > 2 * len(parts) else parts
        return f"{{{', '.join(more)}}}"

    def call(self, made: Made, depth: int) -> str:
        callee = self.value(made.callee, depth + 1)
        given = self.machine.arguments(made.args)
        inner = (
            f"*{self.value(made.args, depth + 1)}" if given is None else self.items(given, len(given), depth)
        )
        if made.kwargs is not None:
            inner += f"{', ' if inner else ''}**{self.value(made.kwargs, depth + 1)}"
        return f"{callee}({inner})"


def describe(machine: Calls, value: Value) -> str:
    """``value`` as Python would spell it, shortened where it is long or deep."""
    return _Writer(machine).value(value, 0)
