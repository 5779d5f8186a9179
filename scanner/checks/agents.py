"""Tools that an agent starts from a package, and whether that is always the same package: AGT-001."""

from collections.abc import Iterator

from scanner.model import Declaration, Evidence, OriginKind, Stock
from scanner.text import visible

GROUP = "mcp"  # scanner.manifests.mcp.GROUP
_PACKAGES = {"npm": "npx", "pypi": "uvx", "oci": "the container's runtime"}


def check(stock: Stock) -> Iterator[Evidence]:
    """AGT-001, one for each server that is started from a package or an image without a fixed release."""
    for component in stock.inventory.components:
        for row in stock.declarations.get(component.ref, ()):
            if is_loose(row):
                yield _evidence(row, component.ref)


def is_loose(row: Declaration) -> bool:
    """Whether a line starts a tool without a fixed release: AGT-001, and no other check tells of it again."""
    return row.group == GROUP and row.ecosystem in _PACKAGES and not _is_fixed(row)


def _is_fixed(row: Declaration) -> bool:
    if row.ecosystem == "oci":
        return bool(row.hashes)
    if row.origin is not None and row.origin.kind is OriginKind.VCS:
        return bool(row.origin.commit)
    return bool(row.version or row.hashes)


def _evidence(row: Declaration, ref: str) -> Evidence:
    shown = visible(row.name, limit=160)
    said = visible(row.specifier, limit=80)
    asked = f"asks for {said}" if said and said != "*" else "names no version"
    how = _PACKAGES[row.ecosystem]
    message = f"an agent starts {shown} by {how}, and {asked}: each start may be another release"
    if row.ecosystem == "oci":
        fix = f"Write {shown}@sha256:<digest>"
    else:
        mark = "==" if row.ecosystem == "pypi" else "@"
        fix = f"Write {shown}{mark}<version>, with the release that you looked at"
    return Evidence("AGT-001", row.where, message, f"mcp:{row.ecosystem}:{row.name}", (), fix, ref)
