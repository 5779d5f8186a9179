"""Reports to where they were asked for: machine output on standard output, everything else beside it."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from sbom.record import record, replace
from scanner.cli import progress
from scanner.cli.targets import writable
from scanner.errors import UsageError
from scanner.model import Report
from scanner.policy import Policy
from scanner.registry import REPORTS, RenderOptions

if TYPE_CHECKING:
    from scanner.reports.text import Extent

_FOR_PEOPLE: Final = frozenset({"text", "markdown", "step-summary", "github"})  # cut each text to a line
_SILENT: Final = 2  # that many -q say nothing at all


@record
class Plan:
    """What to write: formats on standard output, and pairs of format and path.

    ``quiet``: 1 keeps notices back, 2 the verdict, too.
    """

    printed: tuple[str, ...]
    files: tuple[tuple[str, Path], ...]
    verbose: int = 0
    category: str = "weighbridge"
    spec: str = "1.6"
    extent: "Extent" = "full"
    quiet: int = 0

    @property
    def shown(self) -> frozenset[str]:
        """The evidence beside the findings that this plan puts on the table, in the packs' words."""
        names = {*self.printed, *(name for name, _ in self.files)}
        return frozenset({"sbom"} if names & {"cyclonedx", "spdx3"} else ())


def plan(
    formats: Sequence[str],
    outputs: Sequence[str],
    *,
    verbose: int,
    category: str = "",
    quiet: int = 0,
    summary: bool = False,
) -> Plan:
    """The plan of ``--format`` and ``--output`` options, checked before anything is scanned.

    Raises UsageError for an unknown format, a folder that is not there, or two lengths of the text at once.
    """
    if bool(quiet) + bool(verbose) + summary > 1:
        raise UsageError("-q, -v and --summary are three lengths of the text report: ask for one")
    files: list[tuple[str, Path]] = []
    printed = list(formats)
    for output in outputs:
        name, equals, target = output.partition("=")
        if not equals or not target:
            example = f"{name if name in REPORTS else 'json'}={name if '.' in name else 'report.json'}"
            raise UsageError(f"--output: wanted FORMAT=PATH (as in {example}), found {output!r}")
        if target == "-":
            printed.append(_known(name))
            continue
        path = writable(Path(target), "--output")
        if any(os.path.realpath(path) == os.path.realpath(other) for _, other in files):
            raise UsageError(f"--output: {path} is named twice, and would hold the last report alone")
        files.append((_known(name), path))
    for name in formats:
        _known(name)
    if not printed and quiet < _SILENT:
        printed = ["text"]
    if summary and "text" not in (*printed, *(name for name, _ in files)):
        raise UsageError("--summary shortens the text report, and nothing here writes it")
    extent: Extent = "summary" if summary else "verdict" if quiet else "full"
    return Plan(tuple(printed), tuple(files), verbose, category or "weighbridge", extent=extent, quiet=quiet)


def _known(name: str) -> str:
    if name not in REPORTS:
        raise UsageError(f"no report format {name!r}{_nearest(name)}; there are: {', '.join(REPORTS)}")
    return name


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), REPORTS, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def write(report: Report, chosen: Plan, policy: Policy, root: Path | None = None) -> None:
    """Writes every report of the plan, for the checkout at ``root``.

    Raises UsageError where a file cannot be written.
    """
    options = RenderOptions(
        verbose=chosen.verbose, now=policy.now, products=policy.products, category=chosen.category
    )
    options = replace(options, spec=chosen.spec, extent=chosen.extent)
    if root is not None and "sbom" in chosen.shown:
        from scanner.files import checkout

        found = checkout.read(root, policy.limits)
        options = replace(options, commit=found.commit, repository=found.url)
    if {*chosen.printed, *(name for name, _ in chosen.files)} - _FOR_PEOPLE:
        from scanner.reports.bounded import bounded

        report = bounded(report, policy.limits.report_text_chars)
    for name, path in chosen.files:
        replace_file(path, REPORTS[name](report, options), "--output: ")
    seen = replace(options, colour=wants_colour(sys.stdout), width=width())
    show(b"".join(REPORTS[name](report, seen) for name in chosen.printed))
    if not chosen.quiet:
        tell(report.notices)


def tell(notices: Iterable[str]) -> None:
    """Writes what is beside the result to standard error."""
    for notice in notices:
        progress.say(notice)


def show(data: bytes) -> None:
    """Writes to standard output; a reader that went away (``| head``) does not change the verdict.

    Raises UsageError where it cannot be written for another reason, such as a full disk.
    """
    progress.end()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer must not fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output: {error.strerror}") from error


def replace_file(path: Path, data: bytes, said: str = "") -> None:
    """Writes a file whole or not at all: a report that breaks off must not pass for one.

    Raises UsageError, with ``said`` at its head, where it cannot be written.
    """
    import tempfile

    made: Path | None = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe, which cannot be replaced
            return
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
        with tempfile.NamedTemporaryFile(
            dir=path.absolute().parent, prefix=f".{path.name[:100]}.", delete=False
        ) as file:
            made = Path(file.name)
            file.write(data)
        made.chmod(mode)
        made.replace(path)
    except OSError as error:
        if made is not None:
            made.unlink(missing_ok=True)
        raise UsageError(f"{said}{path}: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_baseline(report: Report, path: Path, policy: Policy) -> None:
    """Writes down the open findings; those that a baseline knew already keep their date."""
    from scanner.policy import baseline

    data = baseline.write(report.findings, policy.today, policy.baseline)
    replace_file(path, data, "--write-baseline: ")
    sys.stderr.write(f"weighbridge: wrote the baseline {path}\n")


def wants_colour(stream: TextIO) -> bool:
    """Whether colour is wanted: NO_COLOR and TERM=dumb say no, FORCE_COLOR says yes, else a terminal does."""
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def width() -> int:
    """Columns to write for: the terminal's between 60 and 120, or 80 in a file or a log."""
    if not sys.stdout.isatty():
        return 80
    import shutil  # pulls three decompressors

    return max(60, min(120, shutil.get_terminal_size((80, 24)).columns))
