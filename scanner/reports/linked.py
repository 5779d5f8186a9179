"""Chains with the findings along them: what runs a line, what the line loads, what is wrong with that."""

from collections.abc import Iterable, Sequence
from typing import Final

from sbom.model import Component, FactName, Location
from sbom.record import record
from scanner.codec import Plain, encode_location
from scanner.model import LEVELS, Chain, Finding, Report, Run, Status
from scanner.reports.arrange import worst_first
from scanner.text import visible

_REACHED: Final = {"import": "when it is imported", "run": "when it is run", "call": "where it is called"}
_HOLES: Final = 3  # advisories of the library that one chain names


@record
class Linked:
    """One chain with the components at its ends and the findings along it, the worst first."""

    chain: Chain
    findings: tuple[Finding, ...]
    component: Component | None = None
    library: Component | None = None

    @property
    def rank(self) -> tuple[object, ...]:
        """The worst first; of equally bad ones those that a pipeline runs; then by place."""
        chain = self.chain
        worst = max((LEVELS.index(one.level) for one in self.findings), default=-1)
        return (-worst, not chain.runs, not chain.artifacts, chain.where.order, chain.api, chain.loads)


def linked(report: Report) -> tuple[Linked, ...]:
    """Every chain of the report with what was found along it."""
    if not report.chains:
        return ()
    components = {one.ref: one for one in report.inventory.components}
    lines: dict[tuple[object, ...], list[Finding]] = {}
    paths: dict[str, list[Finding]] = {}
    refs: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.status is not Status.OPEN:
            continue
        where = finding.evidence.where
        lines.setdefault(_line(where), []).append(finding)
        paths.setdefault(where.path, []).append(finding)
        if finding.evidence.component:
            refs.setdefault(finding.evidence.component, []).append(finding)
    rows = []
    for chain in report.chains:
        found = list(lines.get(_line(chain.where), ()))
        for place in chain.artifacts:
            found += paths.get(place.path, ())
        found += refs.get(chain.component, ()) if chain.component else ()
        holes = refs.get(chain.library, ()) if chain.library else ()
        found += worst_first(one for one in holes if one.evidence.rule.startswith("ADV-"))[:_HOLES]
        rows.append(
            Linked(
                chain,
                tuple(worst_first(dict.fromkeys(found))),
                components.get(chain.component),
                components.get(chain.library),
            )
        )
    return tuple(sorted(rows, key=lambda row: row.rank))


def _line(where: Location) -> tuple[object, ...]:
    return (where.path, where.cell, where.line)


def loaders(chains: Iterable[Chain]) -> dict[str, tuple[Chain, ...]]:
    """The chains that load each file of the tree, by its path."""
    found: dict[str, list[Chain]] = {}
    for chain in chains:
        for place in chain.artifacts:
            found.setdefault(place.path, []).append(chain)
    return {path: tuple(found[path]) for path in found}


def place(where: Location) -> str:
    """A place on one line, with nothing in it that moves a cursor."""
    return visible(str(where), limit=300)


def run_in_words(run: Run) -> str:
    """``.github/workflows/train.yml:13 (job smoke, on push) runs train.py``."""
    told = [f"job {run.job}"] if run.job else []
    told += [f"on {', '.join(run.events)}"] if run.events else []
    told += [f"with the secrets {', '.join(run.secrets)}"] if run.secrets else []
    aside = f" ({'; '.join(visible(each, limit=200) for each in told)})" if told else ""
    by = f", by way of {', '.join(place(where) for where in run.by)}," if run.by else ""
    return f"{place(run.where)}{aside}{by} runs {visible(run.script, limit=200)}"


def load_in_words(row: Linked) -> str:
    """``torch.load, from torch 2.1.2, when it is run; it runs what it reads``."""
    chain = row.chain
    notebook = chain.where.cell is not None
    when = "when its cell is run" if notebook else _REACHED.get(chain.reached, "")
    library = f", from {_release(row.library)}" if row.library is not None else ""
    said = f"{visible(chain.api, limit=120)}{library}{f', {when}' if when else ''}"
    if chain.unsafe is True:
        return f"{said}; it runs what it reads"
    return f"{said}; it may run what it reads" if chain.unsafe is None and chain.because else said


def what_in_words(row: Linked) -> str:
    """What is loaded: files of the tree, or a name outside with how it is pinned."""
    chain = row.chain
    if chain.artifacts:
        shown = ", ".join(place(where) for where in chain.artifacts[:5])
        more = len(chain.artifacts) - 5
        return f"{shown}{f' and {more:,} more' if more > 0 else ''}"
    name = visible(chain.loads, limit=300)
    one = row.component
    if one is None:
        return name
    fixed = "pinned to a commit" if one.version else "its owner can change what that is"
    cached = [str(fact.value) for fact in one.facts if fact.name is FactName.CACHED]
    fixed += f"; the hub's cache here has {visible(', '.join(cached), limit=200)}" if cached else ""
    return f"{name} ({fixed})"


def _release(one: Component) -> str:
    return visible(f"{one.name} {one.version or one.specifier}".strip(), limit=100)


def encode(row: Linked) -> dict[str, Plain]:
    """A chain for programs, with the fingerprints of the findings along it."""
    chain = row.chain
    return {
        "where": encode_location(chain.where),
        "api": chain.api,
        "loads": chain.loads,
        "unsafe": chain.unsafe,
        "because": chain.because,
        "reached": chain.reached,
        "runs": [_run(run) for run in chain.runs],
        "artifacts": [encode_location(where) for where in chain.artifacts],
        "component": chain.component,
        "library": chain.library,
        "findings": [finding.fingerprint for finding in row.findings],
    }


def _run(run: Run) -> dict[str, Plain]:
    return {
        "script": run.script,
        "where": encode_location(run.where),
        "job": run.job,
        "by": [encode_location(where) for where in run.by],
        "events": list(run.events),
        "secrets": list(run.secrets),
    }


def about(rows: Sequence[Linked], text: str) -> tuple[Linked, ...]:
    """The chains that a path, a package, a package URL, a model's name or a place in code means."""
    wanted = text.strip().removeprefix("./").rstrip("/")
    return tuple(row for row in rows if _means(row, wanted, wanted.lower()))


def _means(row: Linked, text: str, low: str) -> bool:
    chain = row.chain
    paths = {chain.where.path, str(chain.where), *(where.path for where in chain.artifacts)}
    paths |= {each for run in chain.runs for each in (run.where.path, str(run.where), run.script)}
    if text in paths or any(path.startswith(f"{text}/") for path in paths):
        return True
    if any("/" not in text and path.rpartition("/")[2] == text for path in paths):
        return True
    names = {chain.loads, chain.loads.partition("@")[0], chain.api}
    for one in (row.component, row.library):
        if one is not None:
            bare = one.name.removeprefix("datasets/").removeprefix("spaces/")
            names |= {
                one.ref,
                one.purl,
                one.name,
                bare,
                one.purl.partition("@")[0],
                f"{one.name}=={one.version}",
            }
            names |= {f"{bare}@{one.version}"} if one.version else set()
    return low.replace("_", "-") in {name.lower().replace("_", "-") for name in names if name} or any(
        text == finding.fingerprint or (len(text) > 9 and finding.fingerprint.startswith(text))
        for finding in row.findings
    )
