"""The commands, declared with typer."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import replace
from scanner import __version__
from scanner.cli import (
    advisory_commands,
    config_commands,
    diff_command,
    doctor_command,
    explain_command,
    inspect_command,
    lock_commands,
    rubric_commands,
    sbom_commands,
    trace_command,
    waive_command,
    why_command,
)
from scanner.cli.options import (
    Advisories,
    Baseline,
    Config,
    Context,
    Excludes,
    FailOn,
    File,
    HubCache,
    Jobs,
    Lock,
    MaxAge,
    NoAdvisories,
    Packs,
    Projects,
    Quiet,
    RequireInputs,
    Statements,
    Summary,
    Text,
    Texts,
    Untrusted,
    Verbose,
)

if TYPE_CHECKING:
    from scanner.model import Report
    from scanner.policy import Policy

app = typer.Typer(
    name="weighbridge",
    help="Weighs what an ML repository is about to load: dependencies, model artifacts, known advisories.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(sbom_commands.app, name="sbom")
app.add_typer(advisory_commands.app, name="advisories")
app.add_typer(rubric_commands.app, name="rubric")
app.add_typer(config_commands.app, name="config")


def run() -> int:
    """Parses the command line, runs the command, returns the exit code."""
    from scanner import progress

    _leave_only(sys.argv[1] if len(sys.argv) > 1 else "")
    try:
        app()
    except SystemExit as stop:
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


@app.command()
def scan(
    path: Annotated[Path, typer.Argument(help="The checkout, or a single file.")] = Path(),
    formats: Annotated[
        Texts,
        typer.Option(
            "--format",
            "-f",
            help="Report on standard output: text (default), json, sarif, cyclonedx, openvex, html, "
            "markdown, step-summary, github, gitlab, junit, csv, defectdojo.",
        ),
    ] = None,
    outputs: Annotated[
        Texts,
        typer.Option("--output", "-o", metavar="FORMAT=PATH", help="A report into a file. May repeat."),
    ] = None,
    fail_on: FailOn = None,
    context: Context = None,
    advisories_path: Advisories = None,
    no_advisories: NoAdvisories = False,
    max_advisory_age: MaxAge = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Update the advisories first; the old ones serve if that fails.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Ask PyPI's and OSV's services, too: sends names and versions, but private ones."
        ),
    ] = False,
    verify_index: Annotated[
        bool,
        typer.Option(
            "--verify-index",
            help="Hold locked hashes against the package indexes: sends names, but private ones.",
        ),
    ] = False,
    index_url: Annotated[
        Text,
        typer.Option(
            "--index-url",
            metavar="URL",
            envvar="WEIGHBRIDGE_INDEX_URL",
            help="A mirror of PyPI for --verify-index to ask.",
        ),
    ] = None,
    ask_index: Annotated[
        Texts,
        typer.Option(
            "--ask-index",
            metavar="URL",
            help="Another index that --verify-index may ask, where the files name it. May repeat.",
        ),
    ] = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Compare one model in two formats byte for byte, however large it is."),
    ] = False,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
    vex: Statements = None,
    baseline: Baseline = None,
    write_baseline: Annotated[
        File, typer.Option("--write-baseline", metavar="FILE", help="Write down what is open, and exit 0.")
    ] = None,
    exclude: Excludes = None,
    files_from: Annotated[
        Text,
        typer.Option(
            "--files-from", metavar="FILE", help="Scan only the paths it lists; - is standard input."
        ),
    ] = None,
    since: Annotated[
        Text,
        typer.Option(
            "--since",
            metavar="REF",
            help="Only what came since this tree parted from a branch or commit of git, e.g. origin/main.",
        ),
    ] = None,
    staged: Annotated[
        bool,
        typer.Option("--staged", help="Only what is staged in git for the next commit, as it is staged."),
    ] = False,
    projects: Projects = None,
    document: Annotated[
        File,
        typer.Option(
            "--sbom",
            metavar="FILE",
            help="Judge what this CycloneDX or SPDX 2.3 JSON lists, instead of a checkout.",
        ),
    ] = None,
    lock: Lock = None,
    hub_cache: HubCache = None,
    environment: Annotated[
        Text,
        typer.Option(
            "--env",
            metavar="PATH",
            help="Judge what is installed instead: a venv, a prefix, a site-packages folder; or: active.",
        ),
    ] = None,
    require_inputs: RequireInputs = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Report, but exit 0 unless the command itself was wrong.")
    ] = False,
    jobs: Jobs = None,
    category: Annotated[
        Text,
        typer.Option(
            "--sarif-category", metavar="NAME", help="Tells apart the SARIF runs of jobs over one commit."
        ),
    ] = None,
    verbose: Verbose = 0,
    quiet: Quiet = 0,
    summary: Summary = False,
) -> None:
    """Judge a checkout: what would run, what is known to be bad, what to do about it.

    Exit codes: 0 nothing at or above --fail-on; 1 something is; 2 wrong usage; 3 nothing is, but something
    that should have been checked was not.

    Examples: weighbridge scan . --advisories osv.zip; weighbridge scan models/a.pt --format json;
    weighbridge scan . -o sarif=out.sarif -o cyclonedx=bom.json; weighbridge scan --env .venv;
    weighbridge scan . --since origin/main
    """
    from scanner.cli import output, progress
    from scanner.cli.settings import gather, names_from
    from scanner.pipeline import scan as run_scan
    from scanner.pipeline import scan_document

    plan = output.plan(
        formats or [],
        outputs or [],
        verbose=verbose,
        category=category or "",
        quiet=quiet,
        summary=summary,
    )
    gathered = gather(
        path,
        config=config,
        untrusted=untrusted,
        vex=vex or (),
        baseline=baseline,
        check_advisories=not no_advisories,
        lock=lock,
        fail_on=fail_on,
        context=context,
        packs=packs,
        advisories__path=advisories_path,
        advisories__max_age_days=max_advisory_age,
        exclude=exclude,
        jobs=jobs,
        require_inputs=require_inputs or None,
        ask_indexes=ask_index,
        hub_cache=hub_cache,
    )
    if not quiet:
        progress.begin()
    policy = advisory_commands.refreshed(advisory_commands.asking(gathered.policy, live=live), asked=refresh)
    policy = replace(
        advisory_commands.verifying(policy, asked=verify_index, mirror=index_url or ""),
        shown=plan.shown,
        projects=tuple(projects or ()),
        limits=policy.limits.deeper() if deep else policy.limits,
    )
    if document is not None:
        tree = {"PATH": path != Path(), "--files-from": files_from, "--project": projects, "--lock": lock}
        sbom_commands.refuse(
            {
                **tree,
                "--verify-index": verify_index,
                "--deep": deep,
                "--env": environment,
                "--since": since,
                "--staged": staged,
            }
        )
        report = scan_document(document, policy)
    elif since is not None or staged:
        report = _scan_change(path, policy, since, staged=staged, beside=files_from or environment)
    elif environment is not None:
        report = _scan_installed(environment, policy, files_from)
    else:
        report = run_scan(path, policy, names_from(files_from))
    checkout = None if document is not None or environment is not None else path
    output.write(report, plan, policy, checkout)
    if write_baseline is not None:
        output.write_baseline(report, write_baseline, policy)
        raise typer.Exit(0)
    raise typer.Exit(0 if exit_zero else report.verdict.exit_code)


def _scan_change(
    path: Path, policy: "Policy", since: str | None, *, staged: bool, beside: str | None
) -> "Report":
    """The report on what a change brings; what else says which files to read cannot be asked for with it."""
    from scanner.cli import change
    from scanner.errors import UsageError

    if staged and since is not None:
        raise UsageError("--since and --staged are two questions: ask them one by one")
    if beside is not None:
        raise UsageError("--since and --staged choose the files and take neither --files-from nor --env")
    return change.staged(path, policy) if since is None else change.since(path, since, policy)


def _scan_installed(named: str, policy: "Policy", files_from: str | None) -> "Report":
    """The report on an environment; what limits the scan of a checkout cannot be asked for with it."""
    from scanner.cli import environment
    from scanner.errors import UsageError
    from scanner.pipeline import scan_environment

    for option, given in (("--project", policy.projects), ("--files-from", files_from)):
        if given:
            raise UsageError(f"{option} chooses from a checkout and cannot be combined with --env")
    return scan_environment(environment.find(named), policy)


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
