"""A finding by its fingerprint: the tree is scanned again, so that what is said of it is true today."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sbom.record import record
from scanner.cli.settings import Gathered, gather
from scanner.errors import UsageError
from scanner.model import Finding, Report
from scanner.text import visible

LEAST_DIGITS: Final = 8
_PRINT: Final = re.compile(r"(?:(v[0-9]+):)?([0-9a-f]+)")
_VERSION: Final = "v1"
_DIGITS: Final = 32


@record
class Found:
    """One finding, the report that it stands in and the policy behind it."""

    finding: Finding
    report: Report
    gathered: Gathered


def find(
    text: str,
    path: Path,
    *,
    config: Path | None = None,
    untrusted: bool = False,
    check_advisories: bool = True,
    context: str | None = None,
    packs: Sequence[str] | None = None,
    advisories: Path | None = None,
    max_advisory_age: int | None = None,
) -> Found:
    """The finding of this fingerprint in the tree at ``path``, under the options of these names.

    Raises UsageError where the text is no fingerprint, or is none or several of those that are there.
    """
    wanted = parse(text)
    gathered = gather(
        path,
        config=config,
        untrusted=untrusted,
        check_advisories=check_advisories,
        context=context,
        packs=packs,
        advisories__path=advisories,
        advisories__max_age_days=max_advisory_age,
    )
    from scanner.pipeline import scan

    report = scan(path, gathered.policy)
    return Found(pick(wanted, report.findings, path), report, gathered)


def parse(text: str) -> str:
    """The fingerprint, or the beginning of one, with its version. Raises UsageError."""
    said = visible(text, limit=80)
    found = _PRINT.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"{said!r} is no fingerprint: wanted {_VERSION}: and {_DIGITS} hexadecimal digits")
    version, digits = found.groups()
    if version not in (None, _VERSION):
        raise UsageError(f"{said!r}: fingerprints of version {version} are not known here, only {_VERSION}")
    if not LEAST_DIGITS <= len(digits) <= _DIGITS:
        raise UsageError(
            f"{said!r} has {len(digits)} hexadecimal digits: wanted {LEAST_DIGITS} to {_DIGITS} of them"
        )
    return f"{_VERSION}:{digits}"


def pick(wanted: str, findings: Sequence[Finding], path: Path) -> Finding:
    """The one finding whose fingerprint begins like this. Raises UsageError."""
    matching = [each for each in findings if each.fingerprint.startswith(wanted)]
    if len(matching) == 1:
        return matching[0]
    place = visible(str(path), limit=200)
    if matching:
        listed = "; ".join(map(_named, matching[:5]))
        more = f" and {len(matching) - 5} more" if len(matching) > 5 else ""
        raise UsageError(f"{wanted} is the beginning of {len(matching)} fingerprints: {listed}{more}")
    if not findings:
        raise UsageError(f"no finding {wanted}: nothing was found in {place}")
    raise UsageError(f"no finding {wanted} among the {len(findings)} in {place}{_nearest(wanted, findings)}")


def _nearest(wanted: str, findings: Sequence[Finding]) -> str:
    from difflib import get_close_matches

    by_print = {each.fingerprint: each for each in findings}
    cut = {each[: len(wanted)]: each for each in by_print}
    near = get_close_matches(wanted, cut, 1, 0.6)
    # One that shares no more than chance would is no help.
    return f"; the nearest is {_named(by_print[cut[near[0]]])}" if near else ""


def _named(finding: Finding) -> str:
    where = visible(str(finding.evidence.where), limit=100)
    return f"{finding.fingerprint} ({finding.level} {finding.evidence.rule} at {where})"
