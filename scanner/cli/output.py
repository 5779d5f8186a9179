"""Reports to where they were asked for: machine output on standard output, everything else beside it."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from sbom.record import record
from scanner.errors import UsageError
from scanner.model import Report
from scanner.policy import Policy
from scanner.registry import REPORTS, RenderOptions


@record
class Plan:
    """What to write: formats on standard output, and pairs of format and path."""

    printed: tuple[str, ...]
    files: tuple[tuple[str, Path], ...]
    verbose: int = 0

    @property
    def shown(self) -> frozenset[str]:
        """The evidence beside the findings that this plan puts on the table, in the packs' words."""
        names = {*self.printed, *(name for name, _ in self.files)}
        return frozenset({"sbom"} if "cyclonedx" in names else ())


def plan(formats: Sequence[str], outputs: Sequence[str], *, verbose: int) -> Plan:
    """The plan of ``--format`` and ``--output`` options, checked before anything is scanned.

    Raises UsageError for an unknown format or a folder that is not there.
    """
    files: list[tuple[str, Path]] = []
    printed = list(formats)
    for output in outputs:
        name, equals, target = output.partition("=")
        if not equals or not target:
            raise UsageError(f"--output: wanted FORMAT=PATH, found {output!r}")
        if target == "-":
            printed.append(_known(name))
            continue
        path = Path(target)
        if not path.absolute().parent.is_dir():
            raise UsageError(f"--output: no such folder: {path.parent}")
        files.append((_known(name), path))
    for name in formats:
        _known(name)
    return Plan(tuple(printed) if printed else ("text",), tuple(files), verbose)


def _known(name: str) -> str:
    if name not in REPORTS:
        raise UsageError(f"no report format {name!r}; there are: {', '.join(REPORTS)}")
    return name


def write(report: Report, chosen: Plan) -> None:
    """Writes every report of the plan. Raises UsageError where a file cannot be written."""
    for name, path in chosen.files:
        _replace(path, REPORTS[name](report, RenderOptions(verbose=chosen.verbose)))
    options = RenderOptions(colour=wants_colour(sys.stdout), width=width(), verbose=chosen.verbose)
    show(b"".join(REPORTS[name](report, options) for name in chosen.printed))
    for notice in report.notices:
        sys.stderr.write(f"weighbridge: {notice}\n")


def show(data: bytes) -> None:
    """Writes to standard output; a reader that went away (``| head``) does not change the verdict."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all: a report that breaks off must not pass for one."""
    import tempfile

    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device or a pipe, which cannot be replaced
            return
        with tempfile.NamedTemporaryFile(
            dir=path.absolute().parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(file.name).chmod(0o666 & ~mask)
        Path(file.name).replace(path)
    except OSError as error:
        raise UsageError(f"--output: {path}: {error.strerror}") from error


def write_baseline(report: Report, path: Path, policy: Policy) -> None:
    """Writes down the open findings; those that a baseline knew already keep their date."""
    from scanner.policy import baseline

    _replace(path, baseline.write(report.findings, policy.today, policy.baseline))
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
