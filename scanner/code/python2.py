"""Python 2 as Python 3 would have it, line for line, as far as it takes to read what is called.

What it makes is for reading alone: ``print x, y`` becomes a tuple, ``raise E, x`` keeps both. The lines keep
their numbers; texts may come to differ, which changes no call.
Law: "What's New In Python 3.0", sections "Print Is A Function" and "Changes to Syntax".
"""

import re
from collections.abc import Callable
from re import Pattern

from sbom.record import record
from scanner.patterns import pattern


@record
class Told:
    """The text as Python 3 would have it, and the first sign of Python 2 in it."""

    text: str
    sign: str
    line: int


_BLANKS = r"[^\S\n]*+"  # never given back: a line of blanks is looked at once
_SOME = r"[^\S\n]++"
_HEAD = (
    rf"(?m)^(?P<head>{_BLANKS}(?:(?:if|elif|else|while|for|try|except|finally|with)\b[^\n#'\"]*:{_BLANKS}"
    rf"|[^\n#'\"]*;{_BLANKS})?)"
)
_IN = pattern(rf"(?<=\S){_SOME}in{_SOME}")


def _executed(found: re.Match[str]) -> str:
    """``exec code in names`` as a call."""
    what = found["what"].rstrip()
    code, *names = _IN.split(what, maxsplit=1)
    return f"{found['head']}exec({code}, {names[0]})" if names else f"{found['head']}exec({what})"


_FIRST: tuple[tuple[Pattern[str], str | Callable[[re.Match[str]], str], str], ...] = (
    (pattern(rf"{_HEAD}print{_BLANKS}>>"), r"\g<head>print, ", "print >>"),
    (
        pattern(rf"{_HEAD}print(?={_SOME}[^\s=.,)\]:;#]|{_BLANKS}[\"'`])"),
        r"\g<head>print,",
        "print without brackets",
    ),
    (
        pattern(rf"(?m)^({_BLANKS}except\b[^\n#]*?),{_BLANKS}([A-Za-z_]\w*+){_BLANKS}:"),
        r"\1 as \2:",
        "except E, name",
    ),
    (pattern(rf"{_HEAD}exec{_SOME}(?P<what>[^\s=.(#][^\n#]*+)$"), _executed, "exec without brackets"),
    (
        pattern(rf"{_HEAD}raise{_SOME}([A-Za-z_][\w.]*+){_BLANKS},{_BLANKS}(?=[^\s,])"),
        r"\g<head>raise \2 from ",
        "raise E, value",
    ),
    (pattern(r"(?<![\w.])0(?=[0-7]+\b(?![.\w]))"), "0o", "a number that begins with 0"),
    (pattern(r"(?<![\w.])(0[xX][0-9a-fA-F]++|\d++)[lL]\b"), r"\1", "a long number"),
    (pattern(r"<>"), "!=", "<>"),
    (pattern(r"\b[uU][rR](?=['\"])"), "r", "a text with ur before it"),
    (pattern(r"`([^`\n]{1,200})`"), r"repr(\1)", "backquotes"),
)
_TABS = pattern(r"(?m)^[^\S\n]+")


def told(text: str) -> tuple[Told, ...]:
    """The texts to try, the one that changes least first; empty where nothing speaks of Python 2."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    sign, line, rows = "", 0, text
    for expression, instead, says in _FIRST:
        found = expression.search(rows)
        if found is None:
            continue
        if not sign:
            sign, line = says, rows.count("\n", 0, found.start()) + 1
        rows = expression.sub(instead, rows)
    tabs = _TABS.sub(lambda found: found.group().expandtabs(8), rows)
    if not sign and tabs == text:
        return ()
    shown = sign or "tabs and spaces mixed"
    return tuple(dict.fromkeys((Told(rows, shown, line or 1), Told(tabs, shown, line or 1))))
