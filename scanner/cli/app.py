"""The commands, declared with typer."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from scanner import __version__

app = typer.Typer(
    name="weighbridge",
    help="Weighs what an ML repository is about to load: dependencies, model artifacts, known advisories.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sbom = typer.Typer(help="The bill of materials.", no_args_is_help=True, rich_markup_mode=None)
advisories = typer.Typer(help="The store of known advisories.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(sbom, name="sbom")
app.add_typer(advisories, name="advisories")


def run() -> int:
    """Parses the command line, runs the command, returns the exit code."""
    try:
        app()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    return 0


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


@app.command()
def scan(
    path: Annotated[Path, typer.Argument(help="The checkout, or a single file.")] = Path(),
    formats: Annotated[
        Optional[list[str]],  # noqa: UP045  (typer reads the annotation)
        typer.Option(
            "--format",
            "-f",
            help="Report on standard output: text (default), json, sarif, cyclonedx. May repeat.",
        ),
    ] = None,
    outputs: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT=PATH",
            help="A report into a file, e.g. sarif=out.sarif. May repeat.",
        ),
    ] = None,
    fail_on: Annotated[
        str, typer.Option("--fail-on", help="Exit 1 from this level on: info, low, medium, high, critical.")
    ] = "high",
    context: Annotated[
        str, typer.Option(help="internal, or exposed: released, published or serving a public network.")
    ] = "internal",
    advisories_path: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--advisories",
            metavar="PATH",
            help="A zip or folder of OSV records instead of the imported snapshot.",
        ),
    ] = None,
    no_advisories: Annotated[
        bool, typer.Option("--no-advisories", help="Switch the advisory check off; the report says so.")
    ] = False,
    max_advisory_age: Annotated[
        int, typer.Option("--max-advisory-age", metavar="DAYS", min=0, help="An older snapshot is a finding.")
    ] = 7,
    exclude: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--exclude",
            metavar="PATTERN",
            help="Leave out, in .gitignore's syntax; shown in coverage. May repeat.",
        ),
    ] = None,
    files_from: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--files-from",
            metavar="FILE",
            help="Scan only the paths in FILE (one a line, or NUL between); - is standard input.",
        ),
    ] = None,
    require_inputs: Annotated[
        bool, typer.Option("--require-inputs", help="Exit 3 where there is nothing to scan.")
    ] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Report, but exit 0 unless the command itself was wrong.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=0, help="Worker processes for large files; 0: one a processor.")
    ] = 0,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more. May repeat.")] = 0,
) -> None:
    """Judge a checkout: what would run, what is known to be bad, what to do about it.

    Exit codes: 0 nothing at or above --fail-on; 1 something is; 2 wrong usage; 3 nothing is, but something
    that should have been checked was not.

    Examples: weighbridge scan . --advisories osv.zip; weighbridge scan models/a.pt --format json;
    weighbridge scan . -o sarif=out.sarif -o cyclonedx=bom.json
    """
    from scanner.cli import output
    from scanner.cli.settings import names_from, policy_of
    from scanner.pipeline import scan as run_scan

    plan = output.plan(formats or [], outputs or [], verbose=verbose)
    policy = policy_of(
        fail_on=fail_on,
        context=context,
        advisories=advisories_path,
        check_advisories=not no_advisories,
        max_advisory_age_days=max_advisory_age,
        require_inputs=require_inputs,
        jobs=jobs,
        exclude=tuple(exclude or ()),
    )
    report = run_scan(path, policy, names_from(files_from))
    output.write(report, plan)
    raise typer.Exit(0 if exit_zero else report.verdict.exit_code)


@sbom.command("write")
def sbom_write(
    path: Annotated[Path, typer.Argument(help="The checkout.")] = Path(),
    output_path: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="Where to write; standard output without it."),
    ] = None,
    advisories_path: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--advisories", metavar="PATH", help="A zip or folder of OSV records."),
    ] = None,
    no_advisories: Annotated[
        bool, typer.Option("--no-advisories", help="Leave known vulnerabilities out.")
    ] = False,
) -> None:
    """Write the CycloneDX 1.6 bill of materials of a checkout.

    It makes no judgement: the exit code says only whether the document was written.
    """
    from scanner.cli import output
    from scanner.cli.settings import policy_of
    from scanner.pipeline import scan as run_scan

    target = str(output_path) if output_path else "-"
    plan = output.plan([], [f"cyclonedx={target}"], verbose=0)
    policy = policy_of(advisories=advisories_path, check_advisories=not no_advisories)
    output.write(run_scan(path, policy), plan)


@advisories.command("import")
def advisories_import(
    path: Annotated[Path, typer.Argument(help="A zip or folder of OSV records (JSON).")],
    kev: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--kev", help="CISA's catalogue of known exploited vulnerabilities (JSON)."),
    ] = None,
) -> None:
    """Import a snapshot of advisories and use it for every scan from now on. Needs no network."""
    from scanner.advisories import import_snapshot

    for line in import_snapshot(path, kev):
        typer.echo(line)


@advisories.command("status")
def advisories_status() -> None:
    """Say which snapshot is in use, how many records it holds, how old it is. Exit code 3: there is none."""
    from scanner.advisories import open_snapshot, status

    for line in status():
        typer.echo(line)
    with open_snapshot() as snapshot:
        raise typer.Exit(0 if snapshot else 3)


@app.command()
def hook(
    files: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(help="The changed files, as pre-commit hands them over."),
    ] = None,
) -> None:
    """Check changed files before a commit, without a network. Options: weighbridge hook --help."""
    from scanner.cli import hook as command

    raise typer.Exit(command.main(files or []))
