"""Shell text to commands: words with their lines, and what is piped or substituted into what.

Law: POSIX.1-2024, "Shell Command Language", 2.2 to 2.10, as far as the words of simple commands go; from bash
the process substitution and ``|&``. Nothing is expanded but variables that the text itself sets to a literal.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from sbom.record import field, mutable, record, replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.patterns import pattern

_LIMITS = Limits()
_DEPTH = 12  # substitutions in substitutions
_OPERATORS = ("&&", "||", ";;", "|&", ";", "&", "|", "(", ")")
_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PLAIN = pattern(r"[^\s\\'\"$`;&|()<>#]+")
_IN_QUOTES = pattern(r'["\\$`]')
_BLANKS = pattern(r"\s+")
_SPLIT = "\0"  # where a value without quotes falls into words; no shell text can hold one
_REDIRECT = pattern(r"(?:[0-9]|&)?(?:>>|>\||>&|<&|<>|>|<)")
_HEREDOC = pattern(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([A-Za-z0-9_.!-]+))")
_SETS = pattern(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)", re.ASCII | re.DOTALL)
_ARRAY = pattern(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]\s]*\])?\+?=", re.ASCII)

Line = tuple[int, str]


@record
class Word:
    """One word, quotes undone. ``open`` where it holds a variable or output that is not known here."""

    text: str
    line: int
    open: bool = False
    runs: tuple["Command", ...] = ()  # what is substituted into it


@mutable
class Command:
    """One simple command. ``piped`` where its input is what the command before it puts out."""

    words: list[Word] = field(default_factory=list)
    piped: bool = False
    targets: list[str] = field(default_factory=list)  # files that its output goes to
    body: str = ""  # its here-document
    body_line: int = 0
    fed: tuple["Command", ...] = ()  # what is substituted into its input


def commands(lines: Iterable[Line], variables: Mapping[str, str] | None = None) -> list[Command]:
    """The simple commands of these physical lines, each line with its own number.

    ``variables`` are known from outside; assignments of literals in the text are added to them. Raises
    LimitReached past the declarations of one manifest, which no script has commands for.
    """
    return list(_Reader(list(lines), dict(variables or {})).read())


class _Reader:
    def __init__(
        self, lines: list[Line], variables: dict[str, str], depth: int = 0, expanded: list[int] | None = None
    ) -> None:
        self.text = "\n".join(text.replace(_SPLIT, " ") for _, text in lines)
        self.variables = variables
        self.at = 0
        self._depth = depth
        self._expanded = expanded if expanded is not None else [_LIMITS.line_chars]
        self._lines = lines
        self._row = 0
        self._ends: list[int] = []
        end = 0
        for _, text in lines:
            end += len(text) + 1
            self._ends.append(end)
        self._pending: list[tuple[Command, str, bool]] = []
        self._count = 0

    def _line(self) -> int:
        while self._row < len(self._ends) - 1 and self.at >= self._ends[self._row]:
            self._row += 1
        return self._lines[self._row][0] if self._lines else 1

    # --- commands ---

    def read(self) -> Iterator[Command]:
        current = Command()
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\n":
                self.at += 1
                yield from self._done(current)
                self._documents()
                current = Command()
            elif char in " \t\r\f\v":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif operator := self._operator():
                piped = operator in {"|", "|&"}
                yield from self._done(current)
                current = Command(piped=piped)
            elif not self._redirects(current):
                current.words.extend(self._split(self._word()))
        yield from self._done(current)

    def _done(self, command: Command) -> Iterator[Command]:
        if not command.words and not command.fed:
            return
        self._count += 1
        if self._count > _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations)
        assigned = [_SETS.fullmatch(word.text) for word in command.words]
        if all(assigned):
            for word, found in zip(command.words, assigned, strict=True):
                self._set(word, found)
                yield from word.runs
            command.words = []
        if command.words and command.words[0].text in {"export", "readonly", "declare", "local"}:
            for word in command.words[1:]:
                if (found := _SETS.fullmatch(word.text)) and not word.open:
                    self._set(word, found)
        if command.words or command.fed:
            yield command

    def _set(self, word: Word, found: "re.Match[str] | None") -> None:
        """Binds a variable to a literal, adds one to it (``+=``), or forgets it where its value is open."""
        name, adds, value = found.groups() if found is not None else ("", "", "")
        before = self.variables.get(name) if adds else ""
        value = f"{before}{value}"
        self._expanded[0] -= len(value) if adds else 0
        if word.open or before is None or self._expanded[0] < 0:
            self.variables.pop(name, None)
        else:
            self.variables[name] = value

    def _operator(self) -> str:
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                if self.text.startswith("&>", self.at):
                    return ""
                self.at += len(operator)
                return operator
        return ""

    def _redirects(self, command: Command) -> bool:
        if self.text.startswith(("<(", ">("), self.at):
            return False
        if found := _HEREDOC.match(self.text, self.at):
            self.at = found.end()
            mark = found.group(2) or found.group(3) or found.group(4)
            self._pending.append((command, mark, bool(found.group(1))))
            return True
        if self.text.startswith("<<<", self.at):
            self.at += 3
            self._blanks()
            word = self._word()
            command.body, command.body_line, command.fed = word.text, word.line, word.runs
            return True
        found = _REDIRECT.match(self.text, self.at)
        if not found:
            return False
        self.at = found.end()
        self._blanks()
        if self.at < len(self.text) and self.text[self.at] not in "\n;&|()":
            inward = "<" in found.group()
            word = self._word()
            if inward:
                command.fed = (*command.fed, *word.runs)
            else:
                command.targets.append(word.text)
        return True

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def _documents(self) -> None:
        """Takes the bodies of the here-documents that the line just read asked for."""
        for command, mark, stripped in self._pending:
            rows: list[str] = []
            command.body_line = self._line()
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                row = self.text[self.at : end]
                self.at = end + 1
                row = row.lstrip("\t") if stripped else row
                if row.rstrip("\r") == mark:
                    break
                rows.append(row)
            command.body = "\n".join(rows)
        self._pending.clear()

    # --- words ---

    @staticmethod
    def _split(word: Word) -> list[Word]:
        """The words that a value without quotes around it falls into."""
        if _SPLIT not in word.text:
            return [word]
        if _SETS.match(word.text):
            return [replace(word, text=word.text.replace(_SPLIT, " "))]
        return [replace(word, text=text) for text in word.text.split(_SPLIT) if text]

    def _word(self) -> Word:
        line = self._line()
        parts: list[str] = []
        runs: list[Command] = []
        is_open = False
        start = self.at
        while self.at < len(self.text):
            char = self.text[self.at]
            if found := _PLAIN.match(self.text, self.at):
                parts.append(found.group())
                self.at = found.end()
            elif char == "#" and self.at > start:
                parts.append(char)
                self.at += 1
            elif char == "\\":
                if self.text[self.at + 1 : self.at + 2] != "\n":
                    parts.append(self.text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char == "'":
                end = self.text.find("'", self.at + 1)
                end = len(self.text) if end < 0 else end
                parts.append(self.text[self.at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self.at += 1
                is_open |= self._quoted(parts, runs)
            elif char in "$`":
                inner: list[str] = []
                is_open |= self._expansion(inner, runs)
                parts.extend(_BLANKS.sub(_SPLIT, text) for text in inner)
            elif char == "(" and _ARRAY.fullmatch("".join(parts)):
                self.at += 1
                runs.extend(one for inside in self._inside(")") for word in inside.words for one in word.runs)
                is_open = True
            elif char in "<>" and self.text.startswith("(", self.at + 1):
                self.at += 2
                runs.extend(self._inside(")"))
                parts.append("/dev/fd/0")
                is_open = True
            else:
                break
        if self.at == start:  # nothing of ours: never stand still
            parts.append(self.text[self.at : self.at + 1])
            self.at += 1
        return Word("".join(parts), line, is_open, tuple(runs))

    def _quoted(self, parts: list[str], runs: list[Command]) -> bool:
        is_open = False
        while self.at < len(self.text):
            found = _IN_QUOTES.search(self.text, self.at)
            if found is None:
                parts.append(self.text[self.at :])
                self.at = len(self.text)
                break
            stop = found.start()
            parts.append(self.text[self.at : stop])
            self.at = stop
            if self.text[stop] == '"':
                self.at += 1
                break
            if self.text[stop] == "\\":
                escaped = self.text[stop + 1 : stop + 2]
                if escaped != "\n":
                    parts.append(escaped if escaped in '"\\$`' else f"\\{escaped}")
                self.at += 2
            else:
                is_open |= self._expansion(parts, runs)
        return is_open

    def _expansion(self, parts: list[str], runs: list[Command]) -> bool:
        """Reads what begins with a dollar or a backquote; whether its value is not known."""
        text, at = self.text, self.at
        if text[at] == "`":
            self.at += 1
            runs.extend(self._inside("`"))
            return True
        if text.startswith("$((", at):
            end = text.find("))", at)
            self.at = len(text) if end < 0 else end + 2
            return True
        if text.startswith("$(", at):
            name = _NAME.match(text, at + 2)
            if name and text.startswith(")", name.end()):  # make's spelling of a variable
                self.at = name.end() + 1
                return self._value(name.group(), f"$({name.group()})", parts)
            self.at += 2
            runs.extend(self._inside(")"))
            return True
        if text.startswith("${", at):
            end = text.find("}", at)
            end = len(text) if end < 0 else end
            inner = text[at + 2 : end]
            self.at = end + 1
            name = _NAME.match(inner)
            if name and name.end() < len(inner):
                rest = inner[name.end() :]
                fallback = rest[2:] if rest.startswith((":-", ":=")) and "$" not in rest else None
                if name.group() in self.variables or fallback is None:
                    plain = rest.startswith((":-", ":=", "-", "="))
                    if plain and name.group() in self.variables:
                        return self._value(name.group(), text[at : end + 1], parts)
                    parts.append(text[at : end + 1])
                    return True
                parts.append(fallback)
                return False
            return self._value(inner, text[at : end + 1], parts)
        name = _NAME.match(text, at + 1)
        if name:
            self.at = name.end()
            return self._value(name.group(), f"${name.group()}", parts)
        parts.append("$")
        self.at += 1
        if self.at < len(text) and text[self.at] in "@*#?$!0123456789-":
            parts.append(text[self.at])
            self.at += 1
            return True
        return False

    def _value(self, name: str, written: str, parts: list[str]) -> bool:
        value = self.variables.get(name)
        self._expanded[0] -= len(value or "")
        if value is None or self._expanded[0] < 0:
            parts.append(written)
            return True
        parts.append(value)
        return False

    def _inside(self, closing: str) -> list[Command]:
        """The commands up to the closing mark that belongs to the place at hand."""
        first, depth, quote = self.at, 1, ""
        text = self.text
        while self.at < len(text):
            char = text[self.at]
            if char == "\\":
                self.at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"" and closing != "`":
                quote = char
            elif char == closing:
                depth -= 1
                if not depth:
                    break
            elif char == "(" and closing == ")":
                depth += 1
            self.at += 1
        inner = text[first : self.at]
        line = self._line()
        self.at += 1
        if self._depth >= _DEPTH:
            return []
        rows = inner.split("\n")
        numbered = [(line - len(rows) + 1 + row, text) for row, text in enumerate(rows)]
        return list(_Reader(numbered, self.variables, self._depth + 1, self._expanded).read())
