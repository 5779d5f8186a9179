"""``weighbridge rubric``: the rubric shown, exported for other tools, and a changed one proved."""

from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import Text

app = typer.Typer(
    help="How severe, how soon, who must be told: the rubric.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("show")
def show(
    name: Annotated[
        Text, typer.Argument(metavar="[RULE|LEVEL|PACK]", help="E.g. ART-001, high, release.")
    ] = None,
) -> None:
    """Show a rule, a level or a pack; without a name, the whole rubric in short.

    Example: weighbridge rubric show ART-001
    """
    from scanner.cli import output
    from scanner.rubric import show as rubric

    output.show(rubric.show(name or "").encode())


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made where it is missing.")],
) -> None:
    """Write the rubric, the rules, the packs, their schemas and the flat table, with SHA-256 sums.

    All that another tool needs to grade alike. Files of the same names are replaced, others are left alone.

    Example: weighbridge rubric export rubric/
    """
    from scanner.cli import output
    from scanner.errors import UsageError
    from scanner.rubric import tables

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    files = tables.export()
    for name, data in files.items():
        output.replace_file(folder / name, data)
    typer.echo(
        f"Wrote {len(files)} files of rubric {tables.version()} (sha256 {tables.digest()}) to {folder}."
    )


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A rubric as JSON, e.g. a changed export.")],
) -> None:
    """Prove a rubric: well formed, complete, monotone, never laxer than the floor, equal to its digest.

    Exit codes: 0 it holds; 1 it does not, and each broken law is named; 2 the file cannot be read.

    Example: weighbridge rubric check rubric/rubric.json
    """
    from scanner.cli.settings import read_bounded
    from scanner.policy.plain import json_of
    from scanner.rubric import proof, tables
    from scanner.text import visible

    data = json_of(read_bounded(file), str(file)).value
    problems = proof.check_rubric(data)
    shown = visible(str(file))
    for problem in problems:
        typer.echo(f"{shown}: {visible(problem)}")
    if problems:
        typer.echo(f"{shown} is not to be used: {len(problems)} of its laws are broken.")
        raise typer.Exit(1)
    # What was proved has this shape.
    rubric = tables.flatten(data)  # type: ignore[arg-type]
    typer.echo(
        f"{shown} holds: rubric {rubric.version} is complete over {len(rubric.rows)} combinations, monotone"
        " in every factor, never laxer than its floor, and equal to the digest that it states."
    )
