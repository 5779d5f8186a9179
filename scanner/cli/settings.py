"""Options into a policy; each wrong one is an error that names it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from sbom.record import replace
from scanner.errors import UsageError
from scanner.model import LEVELS
from scanner.policy import Context, Policy


def policy_of(**options: Any) -> Policy:
    """The policy of a command's options. Raises UsageError for a value that cannot be."""
    _one_of("--fail-on", options.get("fail_on"), LEVELS)
    _one_of("--context", options.get("context"), get_args(Context))
    advisories = options.get("advisories")
    if advisories is not None and not Path(advisories).exists():
        raise UsageError(f"--advisories: no such file or folder: {advisories}")
    return replace(Policy(now=clock()), **options)


def clock() -> datetime:
    """The present, or SOURCE_DATE_EPOCH (seconds since 1970, UTC) where the environment sets it."""
    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if stated is None:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(stated), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH: not a number of seconds: {stated!r}") from error


def names_from(source: str | None) -> list[str] | None:
    """The paths that ``--files-from`` lists, newline or NUL between them; None without the option."""
    if source is None:
        return None
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"--files-from: {source}: {error.strerror}") from error
    separator = b"\0" if b"\0" in data else b"\n"
    return [os.fsdecode(name.rstrip(b"\r")) for name in data.split(separator) if name.strip()]


def _one_of(option: str, value: object, allowed: tuple[str, ...]) -> None:
    if value is None or value in allowed:
        return
    import difflib

    near = difflib.get_close_matches(str(value), allowed, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{option}: {value!r} is none of {', '.join(allowed)}{hint}")
