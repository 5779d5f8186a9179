"""The verdict in one breath: what not to load, what to change, what was not looked at."""

from collections.abc import Sequence

from scanner.model import Consulted, Coverage, Finding, Status
from scanner.policy import Policy
from scanner.text import visible

_OTHER_BYTES = frozenset({"HSH-001", "HSH-004"})  # a file is not what its lock or its pointer says
_NAMED = 2  # so many are named, more are counted


def sentence(
    findings: Sequence[Finding],
    coverage: Coverage,
    policy: Policy,
    sources: Sequence[Consulted] = (),
    *,
    nothing: bool = False,
) -> str:
    """One to five short sentences that answer: may I go on, and if not, why.

    ``sources`` are those that dependencies were looked up in, ``nothing`` that there was nothing to scan.
    """
    if nothing and not findings:
        return _nothing_there(coverage.files)
    serious = [each for each in findings if policy.blocks(each)]
    said = [*_load(serious), *_changed(serious), *_remove(serious), *_update(serious)]
    said += _other(serious, first=not said)
    if not serious:
        said.append(_nothing(findings, policy))
    if coverage.not_checked:
        said.append(f"{_count(len(coverage.not_checked), 'thing')} could not be checked.")
    said += _unknown(sources)
    return " ".join(said)


def _nothing_there(files: int) -> str:
    if not files:
        return "Nothing to scan: there is no file."
    which = "the only file is" if files == 1 else f"none of the {files:,} files is"
    kinds = "manifest, model, data or code that is read here"
    return f"Nothing to scan: {which} {'no' if files == 1 else 'a'} {kinds}."


def _nothing(findings: Sequence[Finding], policy: Policy) -> str:
    open_ = [each for each in findings if each.status is Status.OPEN]
    known = sum(each.known for each in open_)
    dated = sum(each.known and bool(each.first_seen) for each in open_)
    below = len(open_) - known
    if not known and not below:
        return "Nothing was found."
    text = f"Nothing new at or above {policy.gate}" if known else f"Nothing at or above {policy.gate}"
    if below:
        text += f", {_count(below, 'lesser finding')}"
    still = [f"{_count(dated, 'finding')} of the baseline still there"] if dated else []
    # An earlier state of the tree (--since, --staged) is no baseline that anybody wrote down.
    still += [f"{_count(known - dated, 'finding')} there before this change"] if known > dated else []
    return "; ".join([text, *still]) + "."


def _unknown(sources: Sequence[Consulted]) -> list[str]:
    asked = [row for row in sources if row.name.endswith(" live") or row.name.startswith("index")]
    states = {row.state for row in sources if row not in asked}
    silent = [row.name for row in asked if row.state in ("failed", "partial")]
    said = [f"{' and '.join(silent)} did not answer about every dependency."] if silent else []
    return said + _unknown_here(states)


def _unknown_here(states: set[str]) -> list[str]:
    if "absent" in states or "failed" in states:
        return ["Dependencies were not checked against known advisories: there is no snapshot."]
    if "stale" in states:
        return ["Known advisories are out of date."]
    if "off" in states:
        return ["Known advisories were not asked: switched off."]
    return []


def _load(serious: Sequence[Finding]) -> list[str]:
    paths = sorted({each.evidence.where.path for each in serious if each.evidence.rule.startswith("ART-")})
    return [f"Do not load {_names(paths, 'file')}."] if paths else []


def _remove(serious: Sequence[Finding]) -> list[str]:
    names = sorted({_package(each) for each in serious if each.evidence.rule == "ADV-004"})
    return [f"Remove {_names(names, 'package')}: known to be malicious."] if names else []


def _update(serious: Sequence[Finding]) -> list[str]:
    bad = {_package(each) for each in serious if each.evidence.rule == "ADV-004"}
    known = {
        _package(each)
        for each in serious
        if each.evidence.rule.startswith("ADV-") and each.evidence.rule != "ADV-004"
    }
    names = sorted(known - bad)
    return [f"Update {_names(names, 'package')}: known vulnerabilities."] if names else []


def _changed(serious: Sequence[Finding]) -> list[str]:
    paths = sorted({each.evidence.where.path for each in serious if each.evidence.rule in _OTHER_BYTES})
    return [f"Do not use {_names(paths, 'file')}: not the bytes that were agreed on."] if paths else []


def _other(serious: Sequence[Finding], *, first: bool) -> list[str]:
    rest = [
        each
        for each in serious
        if each.evidence.rule not in _OTHER_BYTES and not each.evidence.rule.startswith(("ART-", "ADV-"))
    ]
    return [f"Mend {_count(len(rest), 'finding' if first else 'other finding')}."] if rest else []


def _package(finding: Finding) -> str:
    """``litellm 1.82.8`` of ``pkg:pypi/litellm@1.82.8``; the place where there is no component."""
    ref = finding.evidence.component.partition("#")[0].partition("?")[0]
    if not ref:
        return finding.evidence.where.path
    from urllib.parse import unquote

    name, _, version = ref.rpartition("/")[2].partition("@")
    return unquote(f"{name} {version}".strip())


def _names(names: Sequence[str], noun: str) -> str:
    if len(names) <= _NAMED:
        return " and ".join(visible(name, limit=80) for name in names)
    return _count(len(names), noun)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
