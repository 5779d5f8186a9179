"""The commands, declared with typer."""

import sys
from typing import Annotated

import typer

from scanner import __version__
from scanner.cli import (
    advisory_commands,
    config_commands,
    diff_command,
    doctor_command,
    explain_command,
    help_text,
    inspect_command,
    lock_commands,
    rubric_commands,
    sbom_commands,
    scan_command,
    trace_command,
    waive_command,
    why_command,
)
from scanner.cli.options import Texts

app = typer.Typer(
    name="weighbridge",
    help="Weighs what an ML repository is about to load: dependencies, model artifacts, known advisories.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], **help_text.settings()},
)
app.add_typer(sbom_commands.app, name="sbom")
app.add_typer(advisory_commands.app, name="advisories")
app.add_typer(rubric_commands.app, name="rubric")
app.add_typer(config_commands.app, name="config")

_INTERRUPTED = 130  # typer's exit code for it, which it says nothing with


def run() -> int:
    """Parses the command line, runs the command, returns the exit code."""
    from scanner import progress

    _leave_only(sys.argv[1] if len(sys.argv) > 1 else "")
    help_text.dress(app)
    try:
        app()
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            raise KeyboardInterrupt from stop
        return stop.code if isinstance(stop.code, int) else 0
    finally:
        progress.watch(None)  # nothing moves under the message of an error
    return 0


def _leave_only(word: str) -> None:
    """Drops every command but the one of this name, where there is one: building all parsers takes 8 ms."""

    def is_named(name: str | None, callback: object) -> bool:
        return word == (name or getattr(callback, "__name__", ""))

    commands = [row for row in app.registered_commands if is_named(row.name, row.callback)]
    groups = [row for row in app.registered_groups if is_named(row.name, None)]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups


def _version(value: bool) -> None:
    if value:
        typer.echo(f"weighbridge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


app.command()(scan_command.scan)
app.command()(inspect_command.inspect)
app.command()(explain_command.explain)
app.command()(waive_command.waive)
app.command()(diff_command.diff)
app.command()(doctor_command.doctor)
app.command()(why_command.why)
app.command()(trace_command.trace)
app.command()(lock_commands.lock)
app.command()(lock_commands.verify)


@app.command()
def hook(
    files: Annotated[
        Texts,
        typer.Argument(help="The changed files, as pre-commit hands them over."),
    ] = None,
) -> None:
    """Check changed files before a commit, without a network. Options: weighbridge hook --help."""
    from scanner.cli import hook as command

    raise typer.Exit(command.main(files or []))
