"""The text of ``--help``: nothing cut off, and the examples at its end, one a line, as they are typed."""

import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    import typer
    from typer._click import Context, HelpFormatter

WIDEST: Final = 100  # columns: longer lines are harder to read
_NARROW: Final = 52  # columns below which the width has to be said, or lines break twice
_LEAST: Final = 40
_SENTENCE: Final = 500  # characters: all of the first sentence
_EXAMPLES: Final = re.compile(r"\n\nExamples?: (?P<lines>.+?)\s*\Z", re.DOTALL)


class Command(TyperCommand):
    """A command whose docstring ends in examples, with a semicolon between them."""

    def __init__(self, name: str | None, *, help: str | None = None, **more: Any) -> None:  # noqa: A002  (typer's)
        found = _EXAMPLES.search(help or "")
        self.examples = re.split(r";\s+", " ".join(found["lines"].split())) if found else []
        super().__init__(name, help=(help or "")[: found.start()] if found else help, **more)

    def format_epilog(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Writes the examples, each to be copied as it stands."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for line in self.examples:
                    formatter.write(f"{_folded(line, formatter.width)}\n")


class Group(TyperGroup):
    """A group that lists the whole first sentence of each of its commands."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Writes the commands in their order."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_SENTENCE)) for name, one in found if one is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def dress(app: "typer.Typer") -> None:
    """Has all commands of the program tell their help like this."""
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            group.typer_instance.info.cls = Group
            dress(group.typer_instance)
    app.info.cls = Group


def settings() -> dict[str, Any]:
    """The widths of the help, for the settings of the program's context."""
    columns = _columns()
    narrow = {"terminal_width": max(columns - 2, _LEAST - 2)} if 0 < columns < _NARROW else {}
    return {"max_content_width": WIDEST, **narrow}


def _columns() -> int:
    """The columns of the terminal; 0 where that is not known."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal():
        return int(told)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):  # no terminal, or no file behind it
        return 0


def _folded(line: str, width: int) -> str:
    """A command line for the shell, broken behind words so that it still can be copied."""
    lines = ["  "]
    for word in line.split(" "):
        if len(lines[-1]) + len(word) + 3 > width and lines[-1].strip():
            lines[-1] += "\\"
            lines.append("    ")
        lines[-1] += f"{word} "
    return "\n".join(lines).rstrip()
