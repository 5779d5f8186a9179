"""A waiver's entry, written for a finding that is there."""

from collections.abc import Iterator
from datetime import date

from sbom.model import Location
from sbom.record import record
from scanner.errors import ConfigurationError
from scanner.model import Finding
from scanner.policy.claims import Refusal, Scene, about_of, ids_of
from scanner.policy.waivers import Kind, Waiver
from scanner.text import visible


@record
class Ground:
    """Why a finding is set aside, who answers for it, until when and in what words.

    ``until`` is the last day; without it the level's longest counts from the day of writing.
    """

    reason: str
    owner: str
    until: date | None = None
    approvers: tuple[str, ...] = ()
    kind: Kind = "waive"
    vex: str = ""
    control: str = ""


def entry_for(finding: Finding, scene: Scene, ground: Ground, today: date, header: str = "waivers") -> str:
    """The TOML text of an entry that sets just this finding aside, ending in a newline.

    ``header`` is ``waivers`` in weighbridge.toml and ``tool.weighbridge.waivers`` in pyproject.toml.

    Raises ConfigurationError where the entry would not hold: too long, too few approvers, no ground given,
    a critical or malicious finding that can only be disputed, a dispute of something without a digest.
    """
    about = about_of(finding, scene)
    evidence = finding.evidence
    digests = about.digests or about.either
    for name, text in (("reason", ground.reason), ("owner", ground.owner)):
        if not text.strip():
            raise ConfigurationError(f"no {name} given: a waiver takes one")
    if ground.kind == "dispute" and not digests:
        raise ConfigurationError("a dispute is bound to content, and no SHA-256 is known of this finding's")
    waiver = _waiver(finding, ground, digests, today, scene)
    said = waiver.rules(about, today)
    if isinstance(said, Refusal):
        name = visible(f"{evidence.rule} at {evidence.where}", limit=200)
        raise ConfigurationError(f"{finding.level} finding {name} cannot be set aside like this: {said.why}")
    place = visible(str(evidence.where), limit=200)
    lines = [f"# {evidence.rule} ({finding.level}) at {place}", f"[[{header}]]"]
    rows = [*_bound_to(finding, about.path, digests), *_stated(waiver, said.decision.expires)]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in rows)]) + "\n"


def _waiver(finding: Finding, ground: Ground, digests: frozenset[str], today: date, scene: Scene) -> Waiver:
    where = Location("the new entry")
    return Waiver(
        where=where,
        source=where.path,
        reason=ground.reason,
        owner=ground.owner,
        kind=ground.kind,
        rule=finding.evidence.rule,
        fingerprint=finding.fingerprint,
        sha256=digests,
        approvers=ground.approvers,
        created=today,
        expires=ground.until,
        rule_version=scene.rules_version if ground.kind == "dispute" else "",
        vex=ground.vex,
        control=ground.control,
    )


def _bound_to(finding: Finding, path: str, digests: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The keys that say which finding it is, and of which bytes."""
    evidence = finding.evidence
    yield "rule", _quoted(evidence.rule)
    if evidence.subject.casefold() in ids_of(evidence):
        yield "advisory", _quoted(evidence.subject)
    yield "fingerprint", _quoted(finding.fingerprint)
    if not evidence.component and _writable(path):
        yield "path", _quoted(_literal(path))
    if digests:
        yield "sha256", _list(sorted(digests)) if len(digests) > 1 else _quoted(min(digests))


def _stated(waiver: Waiver, ends: str) -> Iterator[tuple[str, str]]:
    """The keys that say why, who and until when."""
    if waiver.kind != "waive":
        yield "kind", _quoted(waiver.kind)
    if waiver.rule_version:
        yield "rule-version", _quoted(waiver.rule_version)
    yield "reason", _quoted(waiver.reason)
    yield "owner", _quoted(waiver.owner)
    if waiver.approvers:
        yield "approvers", _list(waiver.approvers)
    if waiver.created is not None:
        yield "created", waiver.created.isoformat()
    if ends:
        yield "expires", ends
    if waiver.vex:
        yield "vex", _quoted(waiver.vex)
    if waiver.control:
        yield "control", _quoted(waiver.control)


def _literal(path: str) -> str:
    """The pattern that names this one file: anchored, with nothing in it that stands for something else."""
    return "/" + "".join(f"[{char}]" if char in "*?[" else char for char in path)


def _writable(text: str) -> bool:
    """Whether TOML can say it: a name that did not decode holds half characters."""
    return not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def _list(texts: tuple[str, ...] | list[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _quoted(text: str) -> str:
    """A basic string of TOML on one line."""
    if not _writable(text):
        raise ConfigurationError(f"{visible(text)!r} cannot be written to TOML: it is no text")
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    # Whatever does not show is written so that whoever reviews the entry sees it.
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
