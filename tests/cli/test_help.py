"""What ``--help`` shows of every command that there is."""

import re
from collections.abc import Iterator

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from scanner.cli import help_text
from scanner.cli.app import app


def pages(width: int) -> Iterator[tuple[str, str]]:
    """The name and the help of the program and of each command, in so many columns."""
    help_text.dress(app)
    todo = [typer.Context(get_command(app), info_name="weighbridge", terminal_width=width - 2)]
    while todo:
        context = todo.pop()
        command = context.command
        yield context.command_path, command.get_help(context)
        if isinstance(command, TyperGroup):
            todo += [
                typer.Context(one, info_name=name, parent=context) for name, one in command.commands.items()
            ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_cut_or_longer_than_the_terminal(width: int) -> None:
    found = dict(pages(width))
    assert {"weighbridge", "weighbridge scan", "weighbridge sbom affected"} <= found.keys()
    assert [name for name, page in found.items() if re.search(r"[a-z,]\.\.\.$", page, re.MULTILINE)] == []
    long = [line for page in found.values() for line in page.splitlines() if len(line) > width]
    assert long == []


def test_the_examples_stand_at_the_end_and_can_be_copied() -> None:
    for name, page in pages(80):
        if "Commands:" in page or name == "weighbridge hook":
            continue
        _, found, examples = page.partition("\nExample")
        assert found, name
        lines = examples.replace("\\\n", "").splitlines()[1:]
        assert lines, name
        assert all(line.startswith(f"  {name}") for line in lines), name


def test_a_command_is_listed_with_its_whole_first_sentence() -> None:
    page = dict(pages(100))["weighbridge"]
    said = " ".join(page.split())
    assert "Judge a checkout: what would run, what is known to be bad, what to do about it." in said
