"""Taking stock: everything that the files of a tree say is there."""

from collections.abc import Mapping

from sbom.record import replace
from scanner import projects
from scanner.inventory import Stock, take_stock
from scanner.model import Artifact, Stage
from scanner.registry import BY_NAME
from scanner.survey import Survey


def stock_of(seen: Survey) -> Stock:
    """What the manifests declare and which models lie there, with what vouches for them."""
    stock = take_stock(seen.readings, tuple(filter(_is_model, seen.artifacts)))
    return _with_proofs(within(stock, seen), seen)


def within(stock: Stock, seen: Survey) -> Stock:
    """The stock of those projects alone that the scan is limited to."""
    return stock if seen.scope is None else projects.limited(stock, seen.scope)


def formed(stock: Stock, seen: Survey, more: Mapping[str, Stage]) -> Stock:
    """The stock with how its files say that things are made; ``more`` are stages that no manifest states."""
    if not more and not any(isinstance(row, Stage) for rows in seen.readings.values() for row in rows):
        return stock
    from scanner.inventory import formed as making

    readings = {
        **seen.readings,
        **{path: (*seen.readings.get(path, ()), stage) for path, stage in more.items()},
    }
    return replace(stock, inventory=making.with_workflows(stock.inventory, readings))


def _with_proofs(stock: Stock, seen: Survey) -> Stock:
    if seen.proven is None:
        return stock
    from scanner.integrity import told

    return replace(stock, inventory=told.with_proofs(stock.inventory, seen.proven.proofs))


def _is_model(artifact: Artifact) -> bool:
    row = BY_NAME.get(artifact.format)
    return row is not None and row.model and not artifact.where.member
