"""``weighbridge scan``: judge a checkout, a change, an environment or a bill of materials."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import record, replace
from scanner.cli import advisory_commands, sbom_commands
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
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.model import Report
    from scanner.policy import Policy

Formats = Annotated[
    Texts,
    typer.Option(
        "--format",
        "-f",
        help="Report on standard output: text (default), json, sarif, cyclonedx, openvex, html, "
        "markdown, step-summary, github, gitlab, junit, csv, defectdojo.",
    ),
]
Outputs = Annotated[
    Texts, typer.Option("--output", "-o", metavar="FORMAT=PATH", help="A report into a file. May repeat.")
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Update the advisories first; the old ones serve if that fails.")
]
Live = Annotated[
    bool,
    typer.Option(
        "--live", help="Ask PyPI's and OSV's services, too: sends names and versions, but private ones."
    ),
]
VerifyIndex = Annotated[
    bool,
    typer.Option(
        "--verify-index",
        help="Hold locked hashes against the package indexes: sends names, but private ones.",
    ),
]
IndexUrl = Annotated[
    Text,
    typer.Option(
        "--index-url",
        metavar="URL",
        envvar="WEIGHBRIDGE_INDEX_URL",
        help="A mirror of PyPI for --verify-index to ask.",
    ),
]
AskIndex = Annotated[
    Texts,
    typer.Option(
        "--ask-index",
        metavar="URL",
        help="Another index that --verify-index may ask, where the files name it. May repeat.",
    ),
]
Deep = Annotated[
    bool,
    typer.Option("--deep", help="Compare one model in two formats byte for byte, however large it is."),
]
WriteBaseline = Annotated[
    File, typer.Option("--write-baseline", metavar="FILE", help="Write down what is open, and exit 0.")
]
FilesFrom = Annotated[
    Text,
    typer.Option("--files-from", metavar="FILE", help="Scan only the paths it lists; - is standard input."),
]
Since = Annotated[
    Text,
    typer.Option(
        "--since",
        metavar="REF",
        help="Only what came since this tree parted from a branch or commit of git, e.g. origin/main.",
    ),
]
Staged = Annotated[
    bool, typer.Option("--staged", help="Only what is staged in git for the next commit, as it is staged.")
]
Document = Annotated[
    File,
    typer.Option(
        "--sbom",
        metavar="FILE",
        help="Judge what this CycloneDX or SPDX 2.3 JSON lists, instead of a checkout.",
    ),
]
Environment = Annotated[
    Text,
    typer.Option(
        "--env",
        metavar="PATH",
        help="Judge what is installed instead: a venv, a prefix, a site-packages folder; or: active.",
    ),
]
ExitZero = Annotated[
    bool, typer.Option("--exit-zero", help="Report, but exit 0 unless the command itself was wrong.")
]
Category = Annotated[
    Text,
    typer.Option(
        "--sarif-category", metavar="NAME", help="Tells apart the SARIF runs of jobs over one commit."
    ),
]


@record
class Subject:
    """What is to be judged: the checkout at ``path``, or what one of the other options puts in its place."""

    path: Path
    files_from: str | None
    since: str | None
    staged: bool
    environment: str | None
    document: Path | None

    @property
    def checkout(self) -> Path | None:
        """The checkout itself, or None where something else takes its place."""
        return self.path if self.document is None and self.environment is None else None


def scan(
    path: Annotated[Path, typer.Argument(help="The checkout, or a single file.")] = Path(),
    formats: Formats = None,
    outputs: Outputs = None,
    fail_on: FailOn = None,
    context: Context = None,
    advisories_path: Advisories = None,
    no_advisories: NoAdvisories = False,
    max_advisory_age: MaxAge = None,
    refresh: Refresh = False,
    live: Live = False,
    verify_index: VerifyIndex = False,
    index_url: IndexUrl = None,
    ask_index: AskIndex = None,
    deep: Deep = False,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
    vex: Statements = None,
    baseline: Baseline = None,
    write_baseline: WriteBaseline = None,
    exclude: Excludes = None,
    files_from: FilesFrom = None,
    since: Since = None,
    staged: Staged = False,
    projects: Projects = None,
    document: Document = None,
    lock: Lock = None,
    hub_cache: HubCache = None,
    environment: Environment = None,
    require_inputs: RequireInputs = False,
    exit_zero: ExitZero = False,
    jobs: Jobs = None,
    category: Category = None,
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
    from scanner.cli.settings import gather
    from scanner.cli.targets import writable

    plan = output.plan(
        formats or (),
        outputs or (),
        verbose=verbose,
        category=category or "",
        quiet=quiet,
        summary=summary,
    )
    if write_baseline is not None:
        writable(write_baseline, "--write-baseline")
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
    subject = Subject(path, files_from, since, staged, environment, document)
    report = _report(subject, policy, deep=deep)
    output.write(report, plan, policy, subject.checkout)
    if write_baseline is not None:
        output.write_baseline(report, write_baseline, policy)
        raise typer.Exit(0)
    raise typer.Exit(0 if exit_zero else report.verdict.exit_code)


def _report(subject: Subject, policy: "Policy", *, deep: bool) -> "Report":
    """The report on whatever is to be judged. Raises UsageError where two things are asked for at once."""
    from scanner.cli.settings import names_from
    from scanner.pipeline import scan as run_scan
    from scanner.pipeline import scan_document

    if subject.document is not None:
        sbom_commands.refuse(
            {
                "PATH": subject.path != Path(),
                "--files-from": subject.files_from,
                "--project": policy.projects,
                "--lock": policy.lock,
                "--verify-index": policy.verify_index,
                "--deep": deep,
                "--env": subject.environment,
                "--since": subject.since,
                "--staged": subject.staged,
            }
        )
        return scan_document(subject.document, policy)
    if subject.since is not None or subject.staged:
        return _of_change(subject, policy)
    if subject.environment is not None:
        return _of_environment(subject.environment, policy, subject.files_from)
    return run_scan(subject.path, policy, names_from(subject.files_from))


def _of_change(subject: Subject, policy: "Policy") -> "Report":
    """The report on what a change brings; what else says which files to read cannot be asked for with it."""
    from scanner.cli import change

    if subject.staged and subject.since is not None:
        raise UsageError("--since and --staged are two questions: ask them one by one")
    if subject.files_from is not None or subject.environment is not None:
        raise UsageError("--since and --staged choose the files and take neither --files-from nor --env")
    if subject.since is None:
        return change.staged(subject.path, policy)
    return change.since(subject.path, subject.since, policy)


def _of_environment(named: str, policy: "Policy", files_from: str | None) -> "Report":
    """The report on an environment; what limits the scan of a checkout cannot be asked for with it."""
    from scanner.cli import environment
    from scanner.pipeline import scan_environment

    for option, given in (("--project", policy.projects), ("--files-from", files_from)):
        if given:
            raise UsageError(f"{option} chooses from a checkout and cannot be combined with --env")
    return scan_environment(environment.find(named), policy)
