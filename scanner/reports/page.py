"""A page of text for a terminal: wrapped lines with styles, plain or coloured.

Layout is done here, once: the coloured page is the plain page with escapes between its characters and
nothing else (a test strips them and compares). Plain pages import nothing, because a pre-commit hook
writes one on every commit; only colour pays for rich, which knows terminals.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from sbom.record import field, mutable

Style = Literal[
    "", "bold", "dim", "place", "fix", "critical", "high", "medium", "low", "info", "good", "bad", "unsure"
]

# What each style is to rich. Colour never carries meaning alone: the word always stands beside it.
_RICH: dict[Style, str] = {
    "": "",
    "bold": "bold",
    "dim": "dim",
    "place": "bold",
    "fix": "green",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
    "good": "bold green",
    "bad": "bold red",
    "unsure": "bold yellow",
}

NARROWEST = 40  # below this, hanging indents leave nothing to read

# A long word may be broken after these, so that a path breaks between its parts and a purl, a version
# or a URL between theirs.
_JOINTS = re.compile(r"[^/\\!@,;=&?:]*[/\\!@,;=&?:]*")

# A CI runner takes some lines of a log for commands: GitHub's at the start of a line, blanks aside, the
# older form and those of Azure and TeamCity anywhere. A file may be named like one.
_COMMANDS = re.compile(r"##(?=\w*\[)")
_COLON = "\\x3a"


def cells(text: str) -> int:
    """How many columns of a terminal ``text`` takes: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


def _cell(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def wrap(text: str, room: int) -> list[str]:
    """``text`` in lines of at most ``room`` columns.

    Broken at blanks; a word that is longer than a line at its joints (``/``, ``!``, ``@``, ``=`` …), and
    only a part that is still too long in its middle. Joining the lines of one word gives the word back, and
    two blanks in a file's name stay two. What a CI runner would take for a command is escaped.
    """
    lines: list[str] = []
    line = ""
    for plain in _COMMANDS.sub(r"#\\x23", text).split(" "):
        word = _COLON + plain[1:] if plain.startswith("::") else plain
        if line and cells(line) + 1 + cells(word) <= room:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, room)
        lines.extend(full)
    if line or not lines:
        lines.append(line)
    return lines


def _pieces(word: str, room: int) -> list[str]:
    if cells(word) <= room:
        return [word]
    pieces = [""]
    for part in _JOINTS.findall(word):
        if cells(pieces[-1]) + cells(part) <= room:
            pieces[-1] += part
            continue
        if cells(part) <= room:
            pieces.append(part)
            continue
        for char in part:
            if cells(pieces[-1]) + _cell(char) > room:
                pieces.append(_COLON if char == ":" else char)
            else:
                pieces[-1] += char
    return [piece for piece in pieces if piece] or [""]


@mutable
class Page:
    """Lines of styled spans, as wide as the terminal."""

    width: int
    lines: list[list[tuple[str, Style]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.width = max(self.width, NARROWEST)

    def put(
        self, text: str, *, indent: int = 0, style: Style = "", label: str = "", mark: Style = ""
    ) -> None:
        """One paragraph: ``label`` in the style ``mark``, then ``text`` hanging beside it."""
        if label.startswith("::") or _COMMANDS.search(label):
            label = " ".join(wrap(label, cells(label) + 9)) + " "
        hang = indent + cells(label)
        if hang > self.width // 2:  # a label that would squeeze the text gets lines of its own
            self.put(label.rstrip(), indent=indent, style=mark)
            hang, label = indent + 4, ""
        first, *rest = wrap(text, self.width - hang)
        lead = " " * (hang - cells(label) if label else hang)
        self.lines.append([(lead, ""), (label, mark), (first, style)])
        self.lines.extend([(" " * hang, ""), (line, style)] for line in rest)

    def heading(self, text: str, style: Style = "bold") -> None:
        """A heading after an empty line, underlined so that it shows without colour."""
        self.gap()
        self.put(text, style=style)
        self.lines.append([("-" * min(cells(text), self.width), "dim")])

    def gap(self) -> None:
        """An empty line, unless there is one already or the page is new."""
        if self.lines and self.lines[-1]:
            self.lines.append([])

    def _plain(self) -> Iterator[str]:
        for line in self.lines:
            yield "".join(text for text, _ in line).rstrip()

    def render(self, *, colour: bool) -> str:
        """The page as one string that ends in a newline; with terminal escapes where ``colour``."""
        if not colour:
            return "\n".join(self._plain()) + "\n"
        import io

        from rich.console import Console
        from rich.text import Text

        out = io.StringIO()
        # Everything that rich would take from the environment is given, so that the same report gives
        # the same bytes; Text and not markup, so that "[bold]" in a file name stays what it is.
        console = Console(
            file=out,
            force_terminal=True,
            color_system="standard",
            no_color=False,
            width=self.width + 1,
            legacy_windows=False,
            _environ={},
        )
        for line in self.lines:
            text = Text(no_wrap=True, overflow="ignore", end="\n")
            for part, style in line:
                text.append(part, _RICH[style])
            text.rstrip()
            console.print(text, soft_wrap=True, highlight=False, emoji=False, markup=False)
        return out.getvalue()
