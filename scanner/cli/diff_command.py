"""``weighbridge diff``: two reports compared."""

from pathlib import Path
from typing import Annotated

import typer

from scanner.cli.options import Text

FORMATS = ("text", "markdown", "json")


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="The earlier report (--format json).")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="The later one.")],
    form: Annotated[
        str, typer.Option("--format", "-f", help="text, markdown (for a comment on a pull request) or json.")
    ] = "text",
    fail_on: Annotated[
        Text,
        typer.Option("--fail-on", metavar="LEVEL", help="Exit 1 from this level on (the gate of NEW.json)."),
    ] = None,
) -> None:
    """Compare two reports: what came, what went, what changed its level or status.

    Exit codes: 0 nothing new at or above the gate; 1 something is, or got worse; 2 a report cannot be read.

    Example: weighbridge diff main.json branch.json --format markdown
    """
    from scanner.cli import output
    from scanner.cli.settings import read_bounded
    from scanner.model import LEVELS
    from scanner.policy import diff as comparison
    from scanner.policy.plain import At

    writers = {"text": comparison.text, "markdown": comparison.markdown, "json": comparison.json_text}
    chosen = writers[At(form, "command line", "--format").choice(FORMATS)]
    gate = At(fail_on, "command line", "--fail-on").choice(LEVELS) if fail_on is not None else None
    before, after = (comparison.load(read_bounded(file), str(file)) for file in (old, new))
    if gate is None:
        # The report's own gate, which its packs may have tightened; one that states none takes the default.
        stated = after.verdict.get("gate", "high")
        gate = At(stated, str(new), "verdict.gate").choice(LEVELS)
    found = comparison.compare(before, after)
    output.show(chosen(found).encode("utf-8", "backslashreplace"))
    raise typer.Exit(1 if found.fails(gate) else 0)
