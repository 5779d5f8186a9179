"""A waiver's entry, written for a finding that is there."""

from datetime import date

from sbom.model import Location
from scanner.errors import ConfigurationError
from scanner.model import Finding
from scanner.policy.claims import Refusal, Scene, about_of, ids_of
from scanner.policy.waivers import Kind, Waiver
from scanner.text import visible


def entry_for(
    finding: Finding,
    scene: Scene,
    *,
    reason: str,
    owner: str,
    today: date,
    until: date | None = None,
    approvers: tuple[str, ...] = (),
    kind: Kind = "waive",
    vex: str = "",
    control: str = "",
    header: str = "waivers",
) -> str:
    """The TOML text of an entry that sets just this finding aside, ending in a newline.

    ``until`` is the last day; without it the level's longest counts from today. ``header`` is ``waivers`` in
    weighbridge.toml and ``tool.weighbridge.waivers`` in pyproject.toml.

    Raises ConfigurationError where the entry would not hold: too long, too few approvers, no ground given,
    a critical or malicious finding that can only be disputed, a dispute of something without a digest.
    """
    about = about_of(finding, scene)
    evidence = finding.evidence
    digests = about.digests or about.either
    where = Location("the new entry")
    for name, text in (("reason", reason), ("owner", owner)):
        if not text.strip():
            raise ConfigurationError(f"no {name} given: a waiver takes one")
    if kind == "dispute" and not digests:
        raise ConfigurationError("a dispute is bound to content, and no SHA-256 is known of this finding's")
    waiver = Waiver(
        where=where,
        source=where.path,
        reason=reason,
        owner=owner,
        kind=kind,
        rule=evidence.rule,
        fingerprint=finding.fingerprint,
        sha256=digests,
        approvers=approvers,
        created=today,
        expires=until,
        rule_version=scene.rules_version if kind == "dispute" else "",
        vex=vex,
        control=control,
    )
    said = waiver.rules(about, today)
    if isinstance(said, Refusal):
        name = visible(f"{evidence.rule} at {evidence.where}", limit=200)
        raise ConfigurationError(f"{finding.level} finding {name} cannot be set aside like this: {said.why}")
    ends = said.decision.expires
    rows: list[tuple[str, str]] = [("rule", _quoted(evidence.rule))]
    ids = sorted(ids_of(evidence))
    if evidence.subject.casefold() in ids:
        rows.append(("advisory", _quoted(evidence.subject)))
    rows.append(("fingerprint", _quoted(finding.fingerprint)))
    if not evidence.component and _writable(about.path):
        rows.append(("path", _quoted(_literal(about.path))))
    if digests:
        rows.append(("sha256", _list(sorted(digests)) if len(digests) > 1 else _quoted(min(digests))))
    rows += [("kind", _quoted(kind))] if kind != "waive" else []
    rows += [("rule-version", _quoted(waiver.rule_version))] if waiver.rule_version else []
    rows += [("reason", _quoted(reason)), ("owner", _quoted(owner))]
    rows += [("approvers", _list(approvers))] if approvers else []
    rows.append(("created", today.isoformat()))
    rows += [("expires", ends)] if ends else []
    rows += [("vex", _quoted(vex))] if vex else []
    rows += [("control", _quoted(control))] if control else []
    place = visible(str(evidence.where), limit=200)
    lines = [f"# {evidence.rule} ({finding.level}) at {place}", f"[[{header}]]"]
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in rows)]) + "\n"


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
