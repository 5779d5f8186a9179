"""``weighbridge inspect``: one artifact in full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import Config, Context, FailOn, File, Packs, Untrusted
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.account import Shown
    from scanner.model import Asked, Report

_ALL = 1_000_000
_KILLED = frozenset({"late", "died", "unreadable", "changed"})


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model file, an archive, a configuration.")],
    trace: Annotated[
        bool, typer.Option("--trace", help="The pickle machine's steps up to each call.")
    ] = False,
    around: Annotated[
        int, typer.Option("--around", metavar="N", min=1, max=1000, help="So many steps before each call.")
    ] = 8,
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", min=0, help="Rows of each table; 0 shows all.")
    ] = 20,
    format_name: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="text (default) or json.")
    ] = "text",
    output_path: Annotated[
        File,
        typer.Option("--output", "-o", metavar="PATH", help="Where to write, else standard output."),
    ] = None,
    fail_on: FailOn = None,
    context: Context = None,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
) -> None:
    """Show one artifact in full: what would run, what it is made of, what it imports and calls.

    Nothing of it is loaded. Exit codes as for a scan.

    Examples: weighbridge inspect model.pt; weighbridge inspect model.pkl --trace; weighbridge inspect
    model.safetensors --rows 0 --format json
    """
    from scanner.cli import output
    from scanner.cli.settings import gather
    from scanner.cli.targets import writable
    from scanner.model import Asked
    from scanner.pipeline import scan

    if format_name not in ("text", "json"):
        raise UsageError(f"no format {format_name!r} of an inspection; there are: text, json")
    if file.is_dir():
        raise UsageError(f"{file} is a folder; inspect shows one file, `weighbridge scan` judges a folder")
    if output_path is not None:
        writable(output_path, "--output")
    gathered = gather(
        file,
        config=config,
        untrusted=untrusted,
        check_advisories=False,
        fail_on=fail_on,
        context=context,
        packs=packs,
    )
    report = scan(file, gathered.policy)
    shown = _account(file, report, Asked(rows or _ALL, trace, around))
    to_file = output_path is not None
    data = _json(report, shown) if format_name == "json" else _text(report, shown, to_file=to_file)
    if output_path is not None:
        output.replace_file(output_path, data, "--output: ")
    else:
        output.show(data)
    output.tell(report.notices)
    raise typer.Exit(report.verdict.exit_code)


def _account(file: Path, report: "Report", asked: "Asked") -> "Shown":
    """What there is to show of the file; nothing where its examination did not survive."""
    from scanner.account import Shown, account
    from scanner.limits import Limits

    if any(row.outcome in _KILLED for row in report.coverage.not_checked):
        return Shown(broken="its examination did not survive")
    return account(file, Limits(), asked)


def _text(report: "Report", shown: "Shown", *, to_file: bool) -> bytes:
    import sys

    from scanner.cli.output import wants_colour, width
    from scanner.registry import BY_NAME
    from scanner.reports import inspection

    text = inspection.render(
        report,
        [(piece.where, piece.size) for piece in shown.members],
        shown.tables,
        titles={name: row.short for name, row in BY_NAME.items()},
        left=shown.left,
        broken=shown.broken,
        colour=not to_file and wants_colour(sys.stdout),
        width=80 if to_file else width(),
    )
    return text.encode("utf-8", "backslashreplace")


def _json(report: "Report", shown: "Shown") -> bytes:
    from scanner.limits import Limits
    from scanner.reports import inspection_json
    from scanner.reports.bounded import bounded

    report = bounded(report, Limits().report_text_chars)
    members = [(piece.where, piece.size) for piece in shown.members]
    return inspection_json.render(report, members, shown.tables, left=shown.left, broken=shown.broken)
