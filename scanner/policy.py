"""What the person who runs the scan asks for."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from scanner.limits import Limits
from scanner.model import Level

Context = Literal["internal", "exposed"]


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one scan.

    ``fail_on``: the level at which the exit code becomes 1. ``context``: internal, or exposed where what is
    scanned is released, published or serves a public network. ``advisories``: a zip or folder of OSV records;
    None takes the snapshot that was imported last. ``check_advisories``: False switches the check off, and
    the report says so. ``max_advisory_age_days``: an older snapshot is a finding and exit code 3.
    ``require_inputs``: nothing to scan is exit code 3. ``jobs``: worker processes for large files, 0 for one
    a processor. ``exclude``: patterns in .gitignore's syntax, shown in coverage. ``now``: the clock, UTC.
    """

    fail_on: Level = "high"
    context: Context = "internal"
    advisories: Path | None = None
    check_advisories: bool = True
    max_advisory_age_days: int = 7
    require_inputs: bool = False
    jobs: int = 0
    exclude: tuple[str, ...] = ()
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    limits: Limits = field(default_factory=Limits)
