"""``weighbridge hook FILES…``: changed files before a commit, quick and without a network.

Its own small parser: typer alone would cost more than the whole run.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scanner.errors import UsageError
from scanner.model import Outcome, Report

_HELP = """\
Usage: weighbridge hook [OPTIONS] [FILES]...

  Check changed files before a commit: model artifacts, manifests and locks. No network.
  A missing or old advisory snapshot warns and does not block; a Git LFS pointer is not a model.

Options:
  --fail-on LEVEL          Block from this level on: info, low, medium, high (default), critical.
  --advisories PATH        A zip or folder of OSV records instead of the imported snapshot.
  --no-advisories          Switch the advisory check off.
  --max-advisory-age DAYS  An older snapshot is warned about (default 7).
  --all                    Scan the whole tree, whatever changed (before a push).
  --verify                 Only hold the files to weighbridge.lock; all, where the lock itself is named.
  -h, --help               Show this message and exit.

Examples:
  weighbridge hook models/encoder.pt requirements.txt
  weighbridge hook --all
"""
_VALUED = {
    "--fail-on": "fail_on",
    "--advisories": "advisories__path",
    "--max-advisory-age": "advisories__max_age_days",
}

# What a commit is not blocked for: nobody can mend it at the keyboard, or nothing is there to be loaded.
_FORGIVEN = {Outcome.ABSENT}

# From this level on a commit that passes is told of; below, the report would cost more than it says.
_TOLD = {"low", "medium", "high", "critical"}


def main(arguments: Sequence[str]) -> int:
    """Runs the hook; its exit code blocks the commit unless it is 0."""
    options, files = _parse(arguments)
    if options is None:
        sys.stdout.write(_HELP)
        return 0
    whole = bool(options.pop("all", False))
    if whole and (files or "verify" in options):
        raise UsageError("--all looks at the whole tree and takes neither files nor --verify")
    if not files and not whole:
        return 0
    if options.pop("verify", False):
        return _verify(files, options)
    from scanner.cli.settings import gather, plain
    from scanner.pipeline import scan

    policy = plain() if not options else None
    if policy is None:
        check = bool(options.pop("check_advisories", True))
        policy = gather(
            Path(),
            check_advisories=check,
            fail_on=options.get("fail_on"),
            advisories__path=options.get("advisories__path"),
            advisories__max_age_days=options.get("advisories__max_age_days"),
        ).policy
    report = scan(Path.cwd(), policy, None if whole else files)
    code = _exit_code(report)
    if code or report.coverage.not_checked or any(finding.level in _TOLD for finding in report.findings):
        _print(report)
    elif report.findings:
        count = len(report.findings)
        said = "finding that is" if count == 1 else "findings that are"
        sys.stdout.write(f"weighbridge: {count} {said} for your information (weighbridge scan shows them)\n")
    return code


def _verify(files: Sequence[str], options: dict[str, object]) -> int:
    """Holds the changed files to the lock: a commit that changes one has to change its line too."""
    from scanner.cli.settings import gather
    from scanner.integrity.lock import NAME
    from scanner.pipeline import verify

    if not Path(NAME).is_file():
        sys.stdout.write(f"no {NAME} here, so nothing was held to one: weighbridge lock writes it\n")
        return 0
    policy = gather(Path(), check_advisories=False, fail_on=options.get("fail_on")).policy
    whole = any(os.path.normpath(file) == NAME for file in files)
    report = verify(Path.cwd(), policy, None if whole else files)
    code = _exit_code(report)
    if code:
        _print(report)
    return code


def _exit_code(report: Report) -> int:
    code = report.verdict.exit_code
    if code != 3:
        return code
    unchecked = [row for row in report.coverage.not_checked if row.outcome not in _FORGIVEN]
    return code if unchecked else 0


def _print(report: Report) -> None:
    from scanner.cli.output import show, wants_colour, width
    from scanner.registry import REPORTS, RenderOptions

    options = RenderOptions(colour=wants_colour(sys.stdout), width=width())
    show(REPORTS["text"](report, options))


def _parse(arguments: Sequence[str]) -> tuple[dict[str, object] | None, list[str]]:
    options: dict[str, object] = {}
    files: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            files += rest
            break
        if word in {"-h", "--help"}:
            return None, []
        if word in ("--verify", "--all"):
            options[word.removeprefix("--")] = True
        elif word == "--no-advisories":
            options["check_advisories"] = False
        elif name in _VALUED:
            if not equals:
                if not rest:
                    raise UsageError(f"{name}: wanted a value")
                value = rest.pop(0)
            options[_VALUED[name]] = _typed(name, value)
        elif word.startswith("-") and word != "-":
            raise UsageError(f"no such option: {word} (weighbridge hook --help lists them)")
        else:
            files.append(word)
    return options, files


def _typed(name: str, value: str) -> object:
    if name == "--advisories":
        return Path(value)
    if name == "--max-advisory-age":
        if not value.isdigit():
            raise UsageError(f"{name}: not a number of days: {value!r}")
        return int(value)
    return value
