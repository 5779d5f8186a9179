"""Proofs as facts of the components whose bytes they are about."""

from collections.abc import Iterable, Mapping

from sbom.model import Component, Fact, FactName, Inventory
from sbom.record import replace
from scanner.model import Proof

_ROWS = 20  # of one component


def with_proofs(inventory: Inventory, proofs: Iterable[Proof]) -> Inventory:
    """The inventory, where models and data sets tell what is stated of their bytes, and whether it holds."""
    by_path: dict[str, list[Proof]] = {}
    for proof in proofs:
        by_path.setdefault(proof.where.path, []).append(proof)
    if not by_path:
        return inventory
    return replace(inventory, components=tuple(_told(one, by_path) for one in inventory.components))


def _told(component: Component, by_path: Mapping[str, list[Proof]]) -> Component:
    if component.ecosystem:
        return component  # a package: what is known of it stands in its lock
    own = [
        proof for path in sorted({where.path for where in component.seen}) for proof in by_path.get(path, ())
    ]
    if not own:
        return component
    facts = {Fact(FactName.PROOF, in_words(proof)): None for proof in own[:_ROWS]}
    return replace(component, facts=tuple(sorted({*component.facts, *facts}, key=repr)))


def in_words(proof: Proof) -> str:
    """``holds: git-lfs, sha256``."""
    what = f"{proof.kind}, {proof.algorithm}" if proof.algorithm else proof.kind
    return f"{proof.state.value}: {what}"
