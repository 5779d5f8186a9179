"""``weighbridge explain``: why a level is what it is, and what would lower it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.options import Advisories, Config, Context, MaxAge, NoAdvisories, Packs, Untrusted
from scanner.errors import UsageError
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.model import Finding


def explain(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FINGERPRINT|RULE",
            help="A finding's fingerprint (its first 8 digits are enough), or a rule like ART-001.",
        ),
    ],
    path: Annotated[Path, typer.Argument(help="Where the finding is; scanned again.")] = Path(),
    context: Context = None,
    advisories_path: Advisories = None,
    no_advisories: NoAdvisories = False,
    max_advisory_age: MaxAge = None,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
) -> None:
    """Explain a finding or a rule: the way to its level, what was assumed, what would lower it.

    Examples: weighbridge explain ART-001; weighbridge explain v1:0123abcd models/
    """
    from scanner.cli import output

    if re.fullmatch(r"[A-Za-z]{2,4}-[0-9]+", name):
        from scanner.rubric import explain as words
        from scanner.rubric import rules

        lines = [*words.explain_rule(rules.find(name))]
    elif ":" not in name and re.search(r"[^0-9A-Fa-f]", name):
        raise UsageError(
            f"{visible(name, limit=80)!r} is neither a rule (ART-001) nor a fingerprint (v1:0123abcd…)"
        )
    else:
        from scanner.cli.rescan import find
        from scanner.rubric import explain as words

        found = find(
            name,
            path,
            config=config,
            untrusted=untrusted,
            check_advisories=not no_advisories,
            context=context,
            packs=packs,
            advisories=advisories_path,
            max_advisory_age=max_advisory_age,
        )
        floors = found.gathered.policy.pack.floors(found.finding.evidence.rule)
        lines = [*words.explain_finding(found.finding, floors), *_standing(found.finding)]
        output.tell(found.gathered.policy.notices)
    output.show(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))


def _standing(finding: "Finding") -> Iterator[str]:
    """Whether it counts, on whose word, since when it is known."""

    yield ""
    yield f"Fingerprint: {finding.fingerprint}"
    decision = finding.decision
    if decision is not None:
        by = f" by {visible(decision.owner, limit=200)}" if decision.owner else ""
        until = f" until {decision.expires}" if decision.expires else ""
        yield (
            f"It does not count: {finding.status}{by}{until} ({visible(decision.source, limit=200)}):"
            f" {visible(decision.reason, limit=1000)}"
        )
    if finding.first_seen:
        due = f"; to be mended by {finding.due}" if finding.due else ""
        fails = "does not fail the scan" if finding.known else "has become worse and counts as new"
        yield f"The baseline knows it since {finding.first_seen}, so that it {fails}{due}."
