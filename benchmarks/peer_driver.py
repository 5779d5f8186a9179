"""Run by a peer's own interpreter: says of each file on standard input what the peer says of it.

    printf '%s\\n' FILE... | benchmarks/.venv-NAME/bin/python benchmarks/peer_driver.py NAME SECONDS

One line of JSON a file: whether the peer flags it by default, whether it does where it is strictest, and what
it calls an error. The functions are those that its own command calls, so that a verdict is its exit code's;
they are called in one process, as some need seconds to start. Past SECONDS a file or folder is an error.
Nothing is loaded: the peers are static, and the process has no network where the caller can arrange it.
"""

import contextlib
import io
import json
import logging
import os
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

Verdict = tuple[bool, bool, str]  # flagged, flagged where strictest, error


def files_of(path: Path) -> Iterator[Path]:
    """The files of a sample, for peers that take one file."""
    if path.is_file():
        yield path
        return
    yield from (file for file in sorted(path.rglob("*")) if file.is_file())


def picklescan() -> Callable[[Path], Verdict]:
    """Exit code 1 of ``picklescan``, and of ``picklescan --strict``."""
    from picklescan.scanner import scan_directory_path, scan_file_path

    def scan(path: Path) -> Verdict:
        work = scan_directory_path if path.is_dir() else scan_file_path
        usual, strict = work(str(path)), work(str(path), strict=True)
        error = "scan error" if usual.scan_err and not usual.issues_count else ""
        return usual.issues_count > 0, strict.issues_count > 0, error

    return scan


def modelscan() -> Callable[[Path], Verdict]:
    """Exit code 1 of ``modelscan``; a file of no format that it knows (its code 3) is not flagged."""
    from modelscan.modelscan import ModelScan
    from modelscan.settings import DEFAULT_SETTINGS

    def scan(path: Path) -> Verdict:
        found = ModelScan(settings=DEFAULT_SETTINGS)
        found.scan(str(path))
        flagged = bool(found.issues.all_issues)
        error = str(found.errors[0])[:80] if found.errors and not flagged else ""
        return flagged, flagged, error

    return scan


def modelaudit() -> Callable[[Path], Verdict]:
    """Critical issues, and exit code 1 (anything from a warning up)."""
    from modelaudit.core import determine_exit_code, scan_model_directory_or_file

    def scan(path: Path) -> Verdict:
        results = scan_model_directory_or_file(str(path), timeout=60, cache_enabled=False)
        code = determine_exit_code(results)
        levels = {getattr(issue.severity, "value", str(issue.severity)).lower() for issue in results.issues}
        serious = bool(levels & {"warning", "critical"})
        error = "operational or inconclusive" if code not in (0, 1) and not serious else ""
        return serious, "critical" in levels, error

    return scan


def fickling() -> Callable[[Path], Verdict]:
    """More than likely safe; a file that is no pickle is neither flagged nor an error, as for the others."""
    from fickling.analysis import Severity
    from fickling.loader import scan_file, scan_zip_archive

    def scan(path: Path) -> Verdict:
        flagged, error = False, ""
        for file in files_of(path):
            if zipfile.is_zipfile(file):
                results = list(scan_zip_archive(str(file), graceful=True).values())
            else:
                results = [scan_file(str(file), graceful=True)]
            for result in results:
                flagged |= any(each.severity > Severity.LIKELY_SAFE for each in result.results)
                error = error or (result.errors[0][:80] if result.errors else "")
        return flagged, flagged or bool(error), "" if flagged else error

    return scan


def aisbom() -> Callable[[Path], Verdict]:
    """A critical risk (exit code 2 of ``aisbom scan``); the same with ``--strict``."""
    from aisbom.scanner import DeepScanner

    def risks(path: Path, *, strict: bool) -> tuple[bool, str]:
        found = DeepScanner(str(path), strict_mode=strict).scan()
        levels = [str(row.get("risk_level") or "").upper() for row in found["artifacts"]]
        errors = [
            str(row.get("error", row))[:80]
            for row in found["errors"]
            if row.get("type") != "UnsupportedFileType"
        ]
        return any("CRITICAL" in level for level in levels), next(iter(errors), "")

    def scan(path: Path) -> Verdict:
        usual, error = risks(path, strict=False)
        strict, _ = risks(path, strict=True)
        return usual, strict, "" if usual else error

    return scan


PEERS = {row.__name__: row for row in (picklescan, modelscan, modelaudit, fickling, aisbom)}


class Late(BaseException):
    """The time for one file is over; no peer's ``except Exception`` may keep it."""


def on_alarm(*_: object) -> None:
    raise Late


def main() -> int:
    name, seconds = sys.argv[1], int(sys.argv[2])
    logging.disable(logging.CRITICAL)
    said = os.fdopen(os.dup(1), "w", buffering=1)
    quiet = io.StringIO()
    signal.signal(signal.SIGALRM, on_alarm)
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        scan = PEERS[name]()
        for line in sys.stdin:
            path = Path(line.rstrip("\n"))
            signal.alarm(seconds)
            try:
                flagged, strict, error = scan(path)
            except Late:
                flagged, strict, error = False, False, "late"
            except (Exception, SystemExit) as fault:  # noqa: BLE001  (a peer's own)
                flagged, strict, error = False, False, f"{type(fault).__name__}: {fault}"[:80]
            finally:
                signal.alarm(0)
            said.write(
                json.dumps({"path": str(path), "flagged": flagged, "strict": strict, "error": error}) + "\n"
            )
            quiet.truncate(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
