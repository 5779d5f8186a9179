"""Listing: what nothing but a bill of materials has to tell of a tree, and no finding rests on."""

from pathlib import Path

from sbom.record import replace
from scanner.inventory import Stock
from scanner.model import Stage
from scanner.policy import Policy
from scanner.survey import Survey, bytes_of, digests_in, is_notebook


def in_full(stock: Stock, seen: Survey, root: Path, policy: Policy) -> Stock:
    """The stock as a bill of materials lists it, where one was asked for; else the stock."""
    if "sbom" not in policy.shown or not root.exists():
        return stock
    stock = _with_wholes(_with_notebooks(stock, seen), seen, root, policy)
    return _with_licences(stock, seen, root, policy)


def stages(seen: Survey, root: Path, policy: Policy) -> dict[str, Stage]:
    """How things were made, as runs of MLflow and scripts that train state it; by the file that does."""
    if "sbom" not in policy.shown or not root.exists():
        return {}
    from scanner.code import training
    from scanner.code.source import is_code
    from scanner.manifests import mlflow_runs

    def read(path: str) -> bytes | None:
        return bytes_of(seen, root, path, policy.limits)

    found = dict(mlflow_runs.stages(seen.paths, read))
    for job in seen.jobs:
        if is_code(job.path) and (stage := training.stage(read(job.path) or b"", job.path, policy.limits)):
            found[job.path] = stage
    return found


def _with_notebooks(stock: Stock, seen: Survey) -> Stock:
    jobs = [job for job in seen.jobs if is_notebook(job.path)]
    if not jobs:
        return stock
    from scanner.inventory import notebooks

    books = {job.path: notebooks.Book(job.size, digests_in(seen, job.path)) for job in jobs}
    return replace(stock, inventory=notebooks.with_notebooks(stock.inventory, books, seen.readings))


def _with_wholes(stock: Stock, seen: Survey, root: Path, policy: Policy) -> Stock:
    """The stock with models that lie in several files as one each."""
    from scanner.inventory import assembled
    from scanner.readers import shards

    indexes = {}
    for path in seen.paths:
        if path.endswith(shards.INDEX):
            data = bytes_of(seen, root, path, policy.limits, policy.limits.text_bytes)
            indexes[path] = shards.named_by(data or b"")
    links = {path: target for path, (target, _) in seen.links.items()}
    return replace(stock, inventory=assembled.with_wholes(stock.inventory, indexes, links))


def _with_licences(stock: Stock, seen: Survey, root: Path, policy: Policy) -> Stock:
    """The stock with the licences whose whole text lies beside a model or in a project's folder."""
    from scanner.inventory import licences

    folders = licences.asked_in(stock.inventory)
    named: dict[str, str] = {}
    for path in seen.paths:
        if licences.folder_of(path) in folders and licences.may_be(path):
            data = bytes_of(seen, root, path, policy.limits)
            if name := licences.name_of(data or b""):
                named[path] = name
    return replace(stock, inventory=licences.with_texts(stock.inventory, named))
