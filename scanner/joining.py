"""The join of a whole tree: its pipelines are read, and everything goes through the pure join."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sbom.model import Component
from sbom.record import record, replace
from scanner.errors import ScanError
from scanner.files.open import open_source
from scanner.model import Chain, CodeReading, Evidence, LoadSite, Measurement, Run, Stock
from scanner.policy import Policy
from scanner.survey import Survey, bytes_of

if TYPE_CHECKING:
    from scanner.code.releases import Releases

_PACKED: Final = frozenset({"torchserve", "torch-package", "nemo"})  # archives whose Python a loader runs


@record
class Joined:
    """The evidence as it stands after the join, and the stock with what the code takes from outside."""

    evidence: tuple[Evidence, ...]
    stock: Stock
    chains: tuple[Chain, ...] = ()
    measurements: tuple[Measurement, ...] = ()


def read_code(seen: Survey, stock: Stock, root: Path, policy: Policy) -> CodeReading:
    """What the tree's Python loads and names, judged by the releases that its locks and manifests allow."""
    archives = [one.where.path for one in seen.artifacts if one.format in _PACKED and not one.where.member]
    if not seen.code.modules and not archives:
        return CodeReading()
    from scanner.code import findings, releases

    def text(path: str) -> bytes | None:
        return bytes_of(seen, root, path, policy.limits)

    allowed = releases.allowed(stock)
    found = findings.findings(seen.code.modules, seen.paths, allowed, text)
    return _with_archives(found, archives, allowed, seen, policy) if archives else found


def _with_archives(
    found: CodeReading, archives: Sequence[str], allowed: "Releases", seen: Survey, policy: Policy
) -> CodeReading:
    """The reading with that of the Python which lies in archives that a loader runs."""
    from scanner.join import packed

    jobs = {job.path: job for job in seen.jobs}
    for path in archives:
        job = jobs.get(path)
        with suppress(ScanError):  # whoever weighs the file says that it cannot be read
            if job is not None:
                with open_source(job.absolute) as opened:
                    found = packed.both(found, packed.reading(opened, path, allowed, policy.limits))
    return found


def asked_for(stock: Stock, code: CodeReading) -> tuple[Component, ...]:
    """Everything that manifests and code of a tree ask for."""
    if not code.sites and not code.references:
        return stock.inventory.components
    from scanner.join import things

    return things.with_references(stock.inventory, code).components


def joined(
    seen: Survey,
    stock: Stock,
    code: CodeReading,
    evidence: tuple[Evidence, ...],
    policy: Policy,
    *,
    whole: bool,
) -> Joined:
    """The join; nothing is added where no code loads or names anything. ``whole``: no file was left out."""
    formats = {artifact.format for artifact in seen.artifacts}
    served = _served(seen, policy) if "torchserve" in formats else ()
    code = replace(code, sites=(*code.sites, *served)) if served else code
    if not seen.scripts and not code.sites and not code.references and "hub-config" not in formats:
        return Joined((*evidence, *_publishers(stock.inventory.components)), stock)
    from scanner.join import brought  # parses Python, which a hook over weights does not

    found = brought.brought(seen.paths, _reader(seen, policy.limits.code_bytes), code.sites)
    code = brought.with_files(code, found)
    if not code.sites and not code.references and not found.rows:
        return Joined((*evidence, *_publishers(stock.inventory.components)), stock)
    from scanner.code import built
    from scanner.join import chains as chaining
    from scanner.join import grades, things

    inventory = things.with_references(stock.inventory, code)
    made = built.objects(seen.code.modules, seen.paths, _reader(seen, policy.limits.project_bytes))
    imports = built.imports(seen.code.modules, made)
    loaded = (*seen.artifacts, *found.artifacts)
    rows = chaining.chains(code, loaded, _runs(seen, policy), imports, inventory, policy.limits)
    inventory = things.with_chains(inventory, rows)
    read_all = (
        whole and policy.trust_lock and not seen.code.unread and not policy.projects and not policy.exclude
    )
    measured = grades.triggers(rows, seen.artifacts, code.sites, whole=read_all)
    return Joined(
        (
            *brought.told(grades.combined(evidence, code.sites, rows, inventory), found, rows),
            *_publishers(inventory.components),
        ),
        replace(stock, inventory=inventory),
        rows,
        tuple(measured),
    )


def _served(seen: Survey, policy: Policy) -> tuple[LoadSite, ...]:
    """What has a server load an archive of the tree."""
    from scanner.join import served

    return served.sites(seen.paths, _runs(seen, policy), _reader(seen, policy.limits.pipeline_bytes))


def _publishers(components: Collection[Component]) -> Iterator[Evidence]:
    """What the names of publishers and packages alone say."""
    if any(component.ecosystem in {"huggingface", "npm"} for component in components):
        from scanner.checks import owners, taken

        yield from owners.check(components)
        yield from taken.check(components)


def _runs(seen: Survey, policy: Policy) -> tuple[Run, ...]:
    from scanner.join import runs

    paths = frozenset(job.path for job in seen.jobs)
    if not any(map(runs.is_pipeline, paths)):
        return ()
    return runs.runs(paths, _reader(seen, policy.limits.pipeline_bytes), policy.limits)


def _reader(seen: Survey, most: int) -> Callable[[str], bytes | None]:
    """What gives the first ``most`` bytes of a file of the tree; None where it cannot be read."""
    jobs = {job.path: job for job in seen.jobs}

    def read(path: str) -> bytes | None:
        job = jobs.get(path)
        if job is None:
            return None
        try:
            with open_source(job.absolute) as source:
                return source.read_at(0, min(source.size, most))
        except ScanError:
            return None  # whoever weighs the file says that it cannot be read

    return read
