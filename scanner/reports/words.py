"""Words that the reports for people share: outcomes, exit codes, durations and sizes."""

import re
from typing import Final

# Rules whose message says what a loader would execute; all others are about the file, not about the run.
RUNS_ON_LOAD: Final = frozenset({"ART-001", "ART-002", "ART-008", "ART-009", "ART-011"})

OUTCOMES: Final = {
    "recognised": "known format, not read in depth by this version",
    "absent": "only a pointer is here, not the file itself",
    "malformed": "breaks the rules of its own format, so that loaders may read it differently",
    "limited": "a limit ended the reading before the file did",
    "changed": "changed while it was being read",
    "crashed": "our reader failed on it (a defect of ours)",
    "late": "took longer than the deadline allows",
    "died": "the process that read it was killed",
    "unreadable": "the system would not give us the bytes",
    "missing-dependency": "the program that decodes it is not installed",
    "missing": "it stands in the lock, and is not here",
    "unlocked": "nothing in the lock to compare it with",
}

DURATIONS: Final = re.compile(r"P(?:T\d+H|\d+D)")
EXITS: Final = {
    0: "nothing at or above {gate}",
    1: "findings at or above {gate}",
    2: "the scan could not be run as asked",
    3: "nothing at or above {gate}, but something that should have been checked was not",
}


def size(count: int) -> str:
    """``99.4 kB`` for 99,412: bytes as people read them."""
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count:,} bytes" if unit == "bytes" else f"{amount:.3g} {unit}"


def span(duration: str) -> str:
    """``24 hours`` for ``PT24H``, ``14 days`` for ``P14D``."""
    return f"{duration.strip('PTHD')} {'hours' if duration.endswith('H') else 'days'}"
