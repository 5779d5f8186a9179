"""``weighbridge config``: what is in force, and who said so."""

from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import (
    Advisories,
    Baseline,
    Config,
    Context,
    Excludes,
    FailOn,
    Jobs,
    MaxAge,
    Packs,
    RequireInputs,
    Statements,
    Untrusted,
)

app = typer.Typer(help="The settings.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The settings."""


@app.command("show")
def show(
    path: Annotated[Path, typer.Argument(help="The checkout, or a single file.")] = Path(),
    fail_on: FailOn = None,
    context: Context = None,
    advisories_path: Advisories = None,
    max_advisory_age: MaxAge = None,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
    vex: Statements = None,
    baseline: Baseline = None,
    exclude: Excludes = None,
    require_inputs: RequireInputs = False,
    jobs: Jobs = None,
) -> None:
    """Print every value that a scan with these options would use, and where it came from.

    Exit code 2 where a setting, a waiver, a VEX document or a baseline cannot be used.

    Example: weighbridge config show . --pack release
    """
    from scanner.cli import output
    from scanner.cli.settings import gather, users_file
    from scanner.policy import config as configuration
    from scanner.text import visible

    gathered = gather(
        path,
        config=config,
        untrusted=untrusted,
        vex=vex or (),
        baseline=baseline,
        fail_on=fail_on,
        context=context,
        packs=packs,
        advisories__path=advisories_path,
        advisories__max_age_days=max_advisory_age,
        exclude=exclude,
        jobs=jobs,
        require_inputs=require_inputs or None,
    )
    file = gathered.choice.file
    read = f"settings read from {visible(str(file), limit=400)}" if file else "no settings file is honoured"
    own = users_file()
    there = "read" if own.is_file() else "not there"
    mine = f"your own settings for every project: {visible(str(own), limit=400)} ({there})"
    lines = [f"# {read}", f"# {mine}", *configuration.show(gathered.settings)]
    output.show(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
    output.tell(gathered.choice.notices)
