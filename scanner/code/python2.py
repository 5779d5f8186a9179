"""Python 2 as Python 3 would have it, line for line, as far as it takes to read what is called.

What it makes is for reading alone: ``print x, y`` becomes a tuple, ``raise E, x`` keeps both. The lines keep
their numbers; texts may come to differ, which changes no call.
Law: "What's New In Python 3.0", sections "Print Is A Function" and "Changes to Syntax".
"""

import re

from sbom.record import record


@record
class Told:
    """The text as Python 3 would have it, and the first sign of Python 2 in it."""

    text: str
    sign: str
    line: int


_HEAD = (
    r"(?m)^(?P<head>[^\S\n]*(?:(?:if|elif|else|while|for|try|except|finally|with)\b[^\n#'\"]*:[^\S\n]*"
    r"|[^\n#'\"]*;[^\S\n]*)?)"
)
_FIRST = (
    (re.compile(rf"{_HEAD}print[^\S\n]*>>"), r"\g<head>print, ", "print >>"),
    (
        re.compile(rf"{_HEAD}print(?=[^\S\n]+[^\s=.,)\]:;#]|[^\S\n]*[\"'`])"),
        r"\g<head>print,",
        "print without brackets",
    ),
    (
        re.compile(r"(?m)^([^\S\n]*except\b[^\n#]*?),[^\S\n]*([A-Za-z_]\w*)[^\S\n]*:"),
        r"\1 as \2:",
        "except E, name",
    ),
    (
        re.compile(rf"{_HEAD}exec[^\S\n]+(?![=.(])([^\n#]+?)[^\S\n]+in[^\S\n]+([^\n#]+?)[^\S\n]*$"),
        r"\g<head>exec(\2, \3)",
        "exec without brackets",
    ),
    (
        re.compile(rf"{_HEAD}exec[^\S\n]+(?![=.(])([^\n#]+?)[^\S\n]*$"),
        r"\g<head>exec(\2)",
        "exec without brackets",
    ),
    (
        re.compile(rf"{_HEAD}raise[^\S\n]+([A-Za-z_][\w.]*)[^\S\n]*,[^\S\n]*(?=[^\s,])"),
        r"\g<head>raise \2 from ",
        "raise E, value",
    ),
    (re.compile(r"(?<![\w.])0(?=[0-7]+\b(?![.\w]))"), "0o", "a number that begins with 0"),
    (re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)[lL]\b"), r"\1", "a long number"),
    (re.compile(r"<>"), "!=", "<>"),
    (re.compile(r"\b[uU][rR](?=['\"])"), "r", "a text with ur before it"),
    (re.compile(r"`([^`\n]{1,200})`"), r"repr(\1)", "backquotes"),
)
_TABS = re.compile(r"(?m)^[^\S\n]+")


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
