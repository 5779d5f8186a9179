"""Jinja templates, read without Jinja: which names, attributes, keys, filters and tags a template uses.

Law: Jinja's documentation, "Template Designer Documentation". Plain expressions are folded, so that a name
that is put together from pieces (``'__cla' ~ 'ss__'``) is seen as what it becomes.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal

from sbom.record import field, mutable, record
from scanner.errors import LimitReached, Malformed
from scanner.readers.jinja_values import LONGEST, UNKNOWN, Value, collected, decoded, filtered, fold, number

_NESTING = 60  # levels of one expression; Python's own recursion ends at about twelve times as many

_OPEN = re.compile(r"\{([{%#])[-+]?")
_RAW = re.compile(r"\s*raw\s*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<float>\d[\d_]*(?:\.\d[\d_]*(?:[eE][-+]?\d+)?|[eE][-+]?\d+))"
    r"|(?P<int>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<mark>//|\*\*|==|!=|<=|>=|[-+/*%~<>=.:|,;()\[\]{}])",
    re.DOTALL,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_BETWEEN = frozenset({",", "=", ":", ";", "in", "as", "recursive", "else", "if"})
_NO_OPERAND = frozenset({"else", "or", "and", "is", "in", "not", "if"})

Kind = Literal["name", "attribute", "key", "computed-key", "filter", "argument", "text", "tag"]


@record
class Use:
    """One thing a template does. ``value`` the name or folded text; ``of`` whose it is, where that is a name.

    ``argument``: what a filter (``of``) is given; ``key``: a constant subscript. A ``computed-key`` and an
    argument that cannot be folded have ``folded`` False; ``underscored`` where a piece of it had ``__``.
    """

    kind: Kind
    value: str
    line: int
    of: str = ""
    folded: bool = True
    underscored: bool = False


@mutable
class _Token:
    kind: str
    value: str
    at: int


@mutable
class Template:
    """What a template uses; ``problem`` where a part of it could not be followed."""

    uses: list[Use] = field(default_factory=list)
    problem: Malformed | None = None


def read(text: str) -> Template:
    """Every use in the template, in order. Raises LimitReached for nesting past any real template's."""
    template = Template()
    state = _State(template, "__" in text)
    lines = _Lines(text)
    for kind, at, tokens in _blocks(text, template, lines):
        _Reader(tokens, state, lines, at).run(kind)
    return template


class _Lines:
    """Line numbers of ascending offsets, in one pass."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1

    def of(self, at: int) -> int:
        if at > self.at:
            self.line += self.text.count("\n", self.at, at)
            self.at = at
        return self.line


@mutable
class _State:
    template: Template
    has_underscores: bool
    variables: dict[str, Value] = field(default_factory=dict)


def _blocks(text: str, template: Template, lines: _Lines) -> Iterator[tuple[str, int, list[_Token]]]:
    """Kind, offset and tokens of each ``{{ }}`` and ``{% %}``; comments and raw blocks left out."""
    at = 0
    while (found := _OPEN.search(text, at)) is not None:
        kind, at = found[1], found.end()
        if kind == "#":
            end = text.find("#}", found.start() + 2)
            if end < 0:
                template.problem = template.problem or _broken(lines, found.start(), "an end of the comment")
                return
            at = end + 2
            continue
        if kind == "%" and (raw := _RAW.match(text, at)) is not None:
            ending = _ENDRAW.search(text, raw.end())
            if ending is None:
                template.problem = template.problem or _broken(lines, found.start(), "endraw")
                return
            at = ending.end()
            continue
        start = at
        tokens, at, is_closed = _tokens(text, at, "}}" if kind == "{" else "%}")
        yield kind, start, tokens
        if not is_closed:
            template.problem = template.problem or _broken(lines, at, "an end of the block")
            return


def _tokens(text: str, at: int, end: str) -> tuple[list[_Token], int, bool]:
    tokens: list[_Token] = []
    waiting: list[str] = []
    while at < len(text):
        if not waiting:
            if text.startswith(end, at):
                return tokens, at + 2, True
            if text[at] in "-+" and text.startswith(end, at + 1):
                return tokens, at + 3, True
        found = _TOKEN.match(text, at)
        if found is None:
            return tokens, at, False
        kind, value = str(found.lastgroup), found[0]
        if kind != "space":
            tokens.append(_Token(kind, value, at))
        if value in _PAIRS and kind == "mark":
            waiting.append(_PAIRS[value])
        elif waiting and kind == "mark" and value == waiting[-1]:
            waiting.pop()
        at = found.end()
    return tokens, at, False


def _broken(lines: _Lines, at: int, wanted: str) -> Malformed:
    return Malformed("template", line=lines.of(at), wanted=wanted)


class _Reader:
    """One block's expressions. What it cannot follow is skipped token by token, and said."""

    def __init__(self, tokens: list[_Token], state: _State, lines: _Lines, at: int) -> None:
        self.tokens = tokens
        self.state = state
        self.line = lines.of(at)
        self.at = 0
        self.depth = 0

    # --- tokens -------------------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> str:
        """The next mark or name, empty for literals and at the end."""
        at = self.at + ahead
        if at >= len(self.tokens) or self.tokens[at].kind not in ("mark", "name"):
            return ""
        return self.tokens[at].value

    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def take(self, *values: str) -> bool:
        if self.peek() in values and self.peek():
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.take(value):
            found = self.tokens[self.at].value[:20] if self.at < len(self.tokens) else "the end"
            raise Malformed("template", line=self.line, found=repr(found), wanted=repr(value))

    def use(self, kind: Kind, value: str, of: str = "", *, folded: bool = True, marked: bool = False) -> None:
        self.state.template.uses.append(Use(kind, value, self.line, of, folded, marked))

    # --- blocks -------------------------------------------------------------------------------------------

    def run(self, kind: str) -> None:
        """Reads all of the block."""
        tag = ""
        if kind == "%" and self.kind() == "name":
            tag = self.tokens[self.at].value
            self.at += 1
            self.use("tag", tag)
        if tag == "set":
            self.assignment()
        elif tag == "macro":
            self.rendered()
        elif tag == "filter" and self.kind() == "name":
            self.at -= 1
            self.tokens[self.at] = _Token("mark", "|", self.tokens[self.at].at)
            self.guarded(lambda: self.filters(UNKNOWN))
        while self.at < len(self.tokens):
            before = self.at
            if self.peek() in _BETWEEN:
                self.at += 1
                continue
            self.guarded(self.expression)
            if self.at == before:
                self.at += 1

    def guarded(self, read: Callable[[], Value]) -> Value:
        """The value that ``read`` gives; where it breaks, the rest is read token by token."""
        self.depth = 0
        before = self.at
        try:
            return read()
        except Malformed as error:
            template = self.state.template
            template.problem = template.problem or error
            self.at = max(self.at, before + 1)
            return UNKNOWN

    def assignment(self) -> None:
        """``set a = …``: what a folded value is called from now on."""
        is_plain = self.kind() == "name" and self.peek(1) == "="
        name = self.peek() if is_plain else ""
        if not is_plain:
            self.rendered()
            return
        self.at += 2
        value = self.guarded(self.expression)
        if self.peek() == ",":
            value = UNKNOWN
        old = self.state.variables.get(name, UNKNOWN)
        marked = value.is_marked or old.is_marked
        self.state.variables[name] = Value(value.known, underscored=marked)

    def rendered(self) -> None:
        """``set a`` and ``macro a(…)``: their value is what the text behind them renders to."""
        if self.kind() == "name" and self.peek(1) in ("", "(", "|"):
            self.state.variables[self.peek()] = Value(underscored=self.state.has_underscores)

    # --- expressions, in the order in which they bind -----------------------------------------------------

    def expression(self) -> Value:
        self.depth += 1
        if self.depth > _NESTING:
            raise LimitReached("nesting", allowed=_NESTING)
        value = self.logical()
        while self.take("if"):
            other = self.logical()
            del other
            if self.take("else"):
                last = self.expression()
                value = Value(underscored=value.is_marked or last.is_marked)
        self.depth -= 1
        return value

    def logical(self) -> Value:
        value = self.negated()
        while self.take("and", "or"):
            other = self.negated()
            value = Value(underscored=value.is_marked or other.is_marked)
        return value

    def negated(self) -> Value:
        is_negated = False
        while self.take("not"):
            is_negated = True
        value = self.compared()
        return UNKNOWN if is_negated else value

    def compared(self) -> Value:
        value = self.joined()
        while True:
            if self.take("==", "!=", "<", ">", "<=", ">=", "in"):
                pass
            elif self.peek() == "not" and self.peek(1) == "in":
                self.at += 2
            else:
                return value
            self.joined()
            value = UNKNOWN

    def joined(self) -> Value:
        """``+ - ~ * / // % **``: the order does not change which text can come of it, but for ``*``."""
        value = self.multiplied()
        while self.peek() in ("+", "-", "~"):
            mark = self.tokens[self.at].value
            self.at += 1
            value = fold(mark, value, self.multiplied())
        return value

    def multiplied(self) -> Value:
        value = self.unary()
        while self.peek() in ("*", "/", "//", "%", "**"):
            mark = self.tokens[self.at].value
            self.at += 1
            value = fold(mark, value, self.unary())
        return value

    def unary(self) -> Value:
        sign = 1
        while self.peek() in ("-", "+"):
            sign = -sign if self.peek() == "-" else sign
            self.at += 1
        value = self.filters(self.postfix(self.primary()))
        if sign < 0:
            return Value(-value.known) if isinstance(value.known, int) else UNKNOWN
        return value

    def primary(self) -> Value:
        if self.at >= len(self.tokens):
            raise Malformed("template", line=self.line, found="the end", wanted="an expression")
        token = self.tokens[self.at]
        self.at += 1
        if token.kind == "name":
            return self.named(token.value)
        if token.kind == "text":
            text = decoded(token.value)
            while self.kind() == "text":
                text += decoded(self.tokens[self.at].value)
                self.at += 1
            self.use("text", text[:LONGEST])
            return Value(text[:LONGEST], literal=True)
        if token.kind == "int":
            return Value(number(token.value))
        if token.kind == "float":
            return UNKNOWN
        if token.value in _PAIRS:
            return self.bracketed(token.value)
        self.at -= 1
        raise Malformed("template", line=self.line, found=repr(token.value[:20]), wanted="an expression")

    def named(self, name: str) -> Value:
        if name in ("true", "false", "none", "True", "False", "None"):
            return UNKNOWN
        self.use("name", name, "(" if self.peek() == "(" else "")
        known = self.state.variables.get(name)
        return Value(known.known, name, known.underscored) if known else Value(name=name)

    def bracketed(self, mark: str) -> Value:
        """A tuple, list or dictionary; the value itself where brackets only group."""
        end = _PAIRS[mark]
        items: list[Value] = []
        is_list = mark != "("
        while not self.take(end):
            items.append(self.expression())
            if self.take(",", ":"):
                is_list = True
            elif self.peek() != end:
                self.expect(end)
        if not is_list and len(items) == 1:
            return items[0]
        return collected(items)

    def postfix(self, value: Value) -> Value:
        """Attributes, subscripts and calls behind a value."""
        while True:
            if self.take("."):
                value = self.attribute(value)
            elif self.take("["):
                value = self.subscript(value)
            elif self.take("("):
                value = self.call(value)
            else:
                return value

    def attribute(self, value: Value) -> Value:
        if self.kind() not in ("name", "int", "float"):
            self.expect("a name")
        name = self.tokens[self.at].value
        self.at += 1
        self.use("attribute", name, value.name)
        return Value(underscored=value.is_marked)

    def subscript(self, value: Value) -> Value:
        parts: list[Value | None] = []
        is_slice = False
        while not self.take("]"):
            if self.take(":"):
                is_slice = True
                parts.append(None)
            elif not self.take(","):
                parts.append(self.expression())
                if self.peek() not in ("]", ":", ","):
                    self.expect("]")
        if is_slice:
            is_reverse = [part and part.known for part in parts] == [None, None, -1]
            if isinstance(value.known, str):
                return Value(value.known[::-1] if is_reverse else None, underscored=value.is_marked)
            return Value(underscored=value.is_marked)
        key = parts[0] if len(parts) == 1 else None
        if key is None:
            return UNKNOWN
        if isinstance(key.known, str):
            self.use("key", key.known, value.name, marked=key.is_marked)
        elif not isinstance(key.known, int):
            self.use("computed-key", "", value.name, folded=False, marked=key.is_marked)
        elif isinstance(value.known, str | tuple) and -len(value.known) <= key.known < len(value.known):
            return Value(value.known[key.known], underscored=value.is_marked)
        return Value(underscored=value.is_marked)

    def arguments(self) -> tuple[list[Value], list[str]]:
        """Values and keywords up to the closing bracket; the opening one is taken."""
        values: list[Value] = []
        keywords: list[str] = []
        while not self.take(")"):
            self.take("*", "**")
            if self.kind() == "name" and self.peek(1) == "=":
                keywords.append(self.peek())
                self.at += 2
            values.append(self.expression())
            if not self.take(",") and self.peek() != ")":
                self.expect(")")
        return values, keywords

    def call(self, value: Value) -> Value:
        values, keywords = self.arguments()
        for keyword in keywords:
            if "_" in (keyword[0], keyword[-1]):
                self.use("text", keyword)
        marked = any(each.is_marked for each in values) or any("__" in each for each in keywords)
        if value.name == "dict" and keywords:
            return Value(tuple(keywords), underscored=marked)
        return Value(underscored=marked or value.is_marked)

    def filters(self, value: Value) -> Value:
        """Filters and tests behind a value, and calls and subscripts behind those."""
        while True:
            if self.take("|"):
                name = self.dotted()
                values: list[Value] = []
                keywords: list[str] = []
                if self.take("("):
                    values, keywords = self.arguments()
                self.use("filter", name, value.name)
                for at, each in enumerate(values):
                    keyword = keywords[at - len(values)] if at >= len(values) - len(keywords) else ""
                    self.argument(name, keyword, each)
                value = filtered(name, value, values)
            elif self.take("is"):
                self.take("not")
                self.dotted()
                if self.take("("):
                    self.arguments()
                elif self.is_operand():
                    self.postfix(self.primary())
                value = UNKNOWN
            elif self.peek() in ("(", "[", "."):
                value = self.postfix(value)
            else:
                return value

    def argument(self, name: str, keyword: str, value: Value) -> None:
        shown = value.known if isinstance(value.known, str) else ""
        is_folded = value.literal or isinstance(value.known, int)
        of = f"{name}.{keyword}" if keyword else name
        self.use("argument", shown, of, folded=is_folded, marked=value.is_marked)

    def dotted(self) -> str:
        if self.kind() != "name":
            self.expect("a name")
        name = self.tokens[self.at].value
        self.at += 1
        while self.peek() == "." and self.peek(1):
            name += "." + self.peek(1)
            self.at += 2
        return name

    def is_operand(self) -> bool:
        """Whether a test's argument follows without brackets."""
        if self.kind() in ("text", "int", "float"):
            return True
        return (self.kind() == "name" and self.peek() not in _NO_OPERAND) or self.peek() in ("[", "{")
