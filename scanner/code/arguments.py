"""Which of a call's arguments is meant, and why one cannot be told."""

from scanner.code.module import Call
from scanner.code.values import Const, Made, Mix, Name, Param, Table, Unknown, Value


def argument(call: Call, name: str, at: int) -> Value | None:
    """The value that a call gives to a parameter, by keyword or by place."""
    for keyword, value in call.keywords:
        if keyword == name:
            return value
    return call.args[at] if 0 <= at < len(call.args) else None


def argument_of(made: Made | Call, names: tuple[str, ...], at: int) -> Value | None:
    """The value of the first of some keywords, or the one that stands at a place."""
    for keyword, value in made.keywords:
        if keyword in names:
            return value
    return made.args[at] if 0 <= at < len(made.args) else None


def place_of(params: tuple[str, ...], name: str, *, method: bool) -> int:
    rows = params[1:] if method and params[:1] in {("self",), ("cls",)} else params
    return rows.index(name) if name in rows else -1


def reason(value: Value) -> str:
    if isinstance(value, Unknown):
        return value.reason or "it is computed"
    if isinstance(value, Name):
        return f"it is {value.dotted}, which is not defined in this tree"
    if isinstance(value, Param):
        return f"it is the parameter {value.name}"
    if isinstance(value, Mix):
        unknown = next((part for part in value.parts if not isinstance(part, Const)), None)
        return reason(unknown) if unknown is not None else "it is computed"
    if isinstance(value, Made):
        name = value.dotted.lstrip("?.[]")
        return f"it is what {name} gives" if name else "it is an item of something unknown"
    if isinstance(value, Table):
        return "it is a table"
    return "it is computed"
