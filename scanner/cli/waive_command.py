"""``weighbridge waive``: an entry that sets a finding aside, written where it will be read."""

import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import record
from scanner.cli.options import (
    Advisories,
    Config,
    Context,
    File,
    MaxAge,
    NoAdvisories,
    Packs,
    Text,
    Texts,
    Untrusted,
)

if TYPE_CHECKING:
    from scanner.cli.rescan import Found
    from scanner.cli.settings import Gathered
    from scanner.model import Decision
    from scanner.policy.claims import Claim, Scene

_OWN = "weighbridge.toml"

Until = Annotated[
    Text, typer.Option("--until", metavar="DATE", help="The last day (default: the level's longest).")
]
Approvers = Annotated[
    Texts, typer.Option("--approver", metavar="NAME", help="Who agreed; high takes two. May repeat.")
]
Control = Annotated[
    Text, typer.Option("--control", help="What keeps it from doing harm meanwhile (from high on).")
]
Justification = Annotated[
    Text, typer.Option("--vex-justification", metavar="WORD", help="Or OpenVEX' word for why it cannot.")
]
Dispute = Annotated[
    bool, typer.Option("--dispute", help="It is wrong, not accepted: holds for these bytes and rules.")
]
Into = Annotated[
    File, typer.Option("--file", metavar="FILE", help="Write it there, not into the settings in force.")
]


@record
class Target:
    """The file that takes the entry, under which header; the scanned root as seen from its folder."""

    path: Path
    header: str
    prefix: str
    bare: bool = False  # holds nothing but waivers
    honoured: bool = True


def waive(
    name: Annotated[
        str,
        typer.Argument(metavar="FINGERPRINT", help="The finding's (its first 8 digits are enough)."),
    ],
    path: Annotated[Path, typer.Argument(help="Where the finding is; scanned again.")] = Path(),
    reason: Annotated[Text, typer.Option("--reason", help="Why that is right. Required.")] = None,
    owner: Annotated[Text, typer.Option("--owner", help="Who answers for it. Required.")] = None,
    until: Until = None,
    approvers: Approvers = None,
    control: Control = None,
    justification: Justification = None,
    dispute: Dispute = False,
    file: Into = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the entry, write nothing.")] = False,
    context: Context = None,
    advisories_path: Advisories = None,
    no_advisories: NoAdvisories = False,
    max_advisory_age: MaxAge = None,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
) -> None:
    """Set one finding aside, for a time and with a name: write the waiver for it.

    It is written to the settings in force (weighbridge.toml, or pyproject.toml where that is what is read)
    and nothing is written that would not hold.

    Example: weighbridge waive v1:0123abcd --reason "sandboxed" --owner ml-platform --until 2027-02-28
    """
    from scanner.cli.rescan import find
    from scanner.errors import UsageError
    from scanner.policy.entry import Ground, entry_for

    if not (reason or "").strip() or not (owner or "").strip():
        raise UsageError("a waiver takes a --reason and an --owner")
    ground = Ground(
        reason or "",
        owner or "",
        until=_day(until),
        approvers=tuple(approvers or ()),
        kind="dispute" if dispute else "waive",
        vex=_justification(justification),
        control=control or "",
    )
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
    if found.finding.decision is not None:
        raise UsageError(
            f"{found.finding.fingerprint} is already set aside ({found.finding.status}):"
            f" {found.finding.decision.source}"
        )
    target = _target(found.gathered, path, file, untrusted=untrusted)
    scene = _scene(found, target)
    entry = entry_for(found.finding, scene, ground, found.gathered.policy.today, target.header)
    if only_print:
        typer.echo(entry, nl=False)
        return
    decision = _append(target, entry, found, scene)
    _say(target, entry, decision)


def _day(text: str | None) -> date | None:
    from scanner.policy.plain import At

    return At(text, "command line", "--until").day() if text is not None else None


def _justification(word: str | None) -> str:
    from scanner.policy.plain import At
    from scanner.policy.waivers import JUSTIFICATIONS

    return At(word, "command line", "--vex-justification").choice(JUSTIFICATIONS) if word is not None else ""


def _target(gathered: "Gathered", root: Path, file: Path | None, *, untrusted: bool) -> Target:
    """Where the entry belongs. Raises UsageError where it would not be honoured."""
    from scanner.errors import UsageError

    choice = gathered.choice
    read = Path(choice.file) if choice.file else None
    kept = Path(gathered.settings.waivers_file) if gathered.settings.waivers_file else None
    folder = _folder(root)
    here = Path(os.path.realpath(Path.cwd()))
    own = here / _OWN
    new = read is None and not untrusted and folder.is_relative_to(here)
    chosen = file or kept or read or (own if new else None)
    if chosen is None:
        raise UsageError(
            "no settings are honoured for this tree: name with --file where the waiver is to be kept,"
            " and scan with --config naming the same file"
        )
    if chosen.is_symlink() and not chosen.exists():
        # A tree could plant one to have a file of its choice made.
        raise UsageError(f"{chosen} is a link that leads nowhere")
    real = Path(os.path.realpath(chosen))
    if kept is not None and real == Path(os.path.realpath(kept)):
        # The patterns in a file of waivers count from the folder of the settings that name it.
        return Target(real, "waivers", choice.prefix, bare=True)
    header = "tool.weighbridge.waivers" if real.name == "pyproject.toml" else "waivers"
    if read is not None and real == Path(os.path.realpath(read)):
        return Target(real, header, choice.prefix)
    inside = folder != real.parent and folder.is_relative_to(real.parent)
    prefix = folder.relative_to(real.parent).as_posix() if inside else ""
    return Target(real, header, prefix, honoured=new and real == own)


def _folder(root: Path) -> Path:
    return Path(os.path.realpath(root if root.is_dir() else root.parent))


def _scene(found: "Found", target: Target) -> "Scene":
    """What the entry will be held against once it is read from the target."""
    from scanner.policy import claims
    from scanner.rubric import judge, rules

    report = found.report
    return claims.Scene(
        judge.digests_of(report.artifacts),
        {component.ref: component for component in report.inventory.components},
        claims.products_of(report.inventory, found.gathered.policy.products, report.target),
        target.prefix,
        rules.version(),
    )


def _append(target: Target, entry: str, found: "Found", scene: "Scene") -> "Decision":
    """Writes the entry behind what the file holds; the decision that it is, read back from there.

    Nothing is replaced before the new content was read as a scan will read it, and sets the finding aside.
    """
    from scanner.cli import output
    from scanner.errors import ConfigurationError, UsageError
    from scanner.policy import claims
    from scanner.text import visible

    before = _content(target)
    made = _joined(before, entry)
    shown = visible(str(target.path), limit=400)
    try:
        held = _read(target, made)
    except ConfigurationError as error:
        raise UsageError(
            f"{shown} is left as it was, because the entry does not fit behind what it holds ({error});"
            " --print shows the entry, to be put in by hand"
        ) from error
    settled = claims.apply([found.finding], held, found.gathered.policy.today, scene)
    decision = settled.findings[0].decision
    if decision is None:
        raise UsageError(f"{shown} is left as it was: the entry would not hold in it; please report this")
    if _content(target) != before:
        raise UsageError(f"{shown} was changed by somebody else meanwhile, and is left as it is; try again")
    output.replace_file(target.path, made)
    return decision


def _content(target: Target) -> bytes | None:
    from scanner.cli.settings import read_bounded

    return read_bounded(target.path) if target.path.exists() else None


def _joined(before: bytes | None, entry: str) -> bytes:
    """The entry behind the content, an empty line between, in the content's own line ends."""
    data = before or b""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    gap = b"" if not data else end if data.endswith(b"\n") else end + end
    return data + gap + entry.encode().replace(b"\n", end)


def _read(target: Target, data: bytes) -> "tuple[Claim, ...]":
    from scanner.policy import config, waivers

    if target.bare:
        return waivers.load(data, str(target.path))
    stated = config.load(data, str(target.path))
    return config.resolve(stated, {}).waivers


def _say(target: Target, entry: str, decision: "Decision") -> None:
    from scanner.text import visible

    typer.echo(entry, nl=False)
    if decision.expires:
        days = (date.fromisoformat(decision.expires) - date.fromisoformat(decision.stated)).days
        long = f"It holds until {decision.expires} ({days} {'day' if days == 1 else 'days'})"
    else:
        long = "It holds"
    what = "the content and the rules are" if decision.kind == "dispute" else "the content is"
    bound = f" and as long as {what} the same" if re.search(r"^sha256 ", entry, re.MULTILINE) else ""
    bound = bound if decision.expires else bound.removeprefix(" and")
    typer.echo(f"\nWrote this to {visible(str(target.path), limit=400)}. {long}{bound}.")
    if not target.honoured:
        typer.echo("That file is not in force for this scan: name it with --config.", err=True)
