"""HTML by construction: plain text cannot become markup, because only ``element`` makes markup."""

from html import escape
from typing import Final

from scanner.text import visible

_LIMIT: Final = 2000  # characters of one text
_LONG: Final = 100  # rows; a longer table is laid out when it comes into view
_VOID: Final = frozenset({"meta", "link", "input", "line", "br"})


class Markup(str):
    """Text that is markup already: made here alone, from tags of ours and escaped text."""

    __slots__ = ()


def shown(text: str, limit: int = _LIMIT) -> Markup:
    """Text from wherever as markup that shows it: on one line, at most ``limit`` characters."""
    return Markup(escape(visible(text, limit=limit).encode("utf-8", "backslashreplace").decode()))


def element(name: str, /, *children: str, **attributes: str | int | None) -> Markup:
    """One element. Children that are not Markup are shown as text; attributes that are None are left out.

    ``class_`` is written as ``class`` and ``data_level`` as ``data-level``. An empty string is an attribute
    without a value.
    """
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value == "" else f'="{shown(str(value))}"')
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{said}>")
    inner = "".join(child if isinstance(child, Markup) else shown(child) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>")


def joined(parts: "list[Markup] | tuple[Markup, ...]", between: str = "") -> Markup:
    """The parts one behind the other; ``between`` is shown as text, newlines stay."""
    return Markup((between if between == "\n" else shown(between)).join(parts))


def own(name: str, content: str) -> Markup:
    """A script or a style of this program, not escaped: its hash stands in the policy of the page."""
    return Markup(f"<{name}>{content}</{name}>")


def table(caption: str, columns: tuple[str, ...], rows: list[tuple[str, ...]], key: str = "") -> Markup:
    """A table in a region that can be scrolled with the keyboard; the first cell of a row is its heading."""
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    body = [
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in rest), class_="r")
        for first, *rest in rows
    ]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", Markup("\n" + "\n".join(body) + "\n"), id=key or None),
    )
    kind = "scroll long" if len(rows) > _LONG else "scroll"
    return element("div", whole, class_=kind, role="region", aria_label=caption, tabindex=0)
