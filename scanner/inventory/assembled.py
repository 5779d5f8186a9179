"""Models that lie in several files, as one component each, with the files as its pieces. Pure.

What an index names, or the numbers in the names of files say, has to be there: what is not, the model lacks.
What the pieces share (what config.json, a card or a header says of the model) is said of the whole, what each
says of its own bytes stays with it.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbom.model import Component, Fact, FactName, Inventory, Kind, Location, Relation
from sbom.record import field, mutable, replace
from scanner.readers import shards

# About the bytes of one file, whatever it is a piece of.
_OWN = frozenset(
    {
        *(FactName.BYTE_ORDER, FactName.CALLS, FactName.DTYPES, FactName.FILES, FactName.FORMAT_VERSION),
        *(
            FactName.IMPORTS,
            FactName.MEMBERS,
            FactName.METADATA,
            FactName.PARAMETERS,
            FactName.PICKLE_PROTOCOL,
        ),
        *(FactName.PROOF, FactName.SIZE, FactName.TENSORS),
    }
)
_COUNTED = (FactName.PARAMETERS, FactName.SIZE, FactName.TENSORS)


@mutable
class _Whole:
    """A model in the making: where it is said to be, and the paths of its pieces."""

    name: str
    where: Location
    paths: tuple[str, ...] = ()
    pieces: list[Component] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


def with_wholes(
    inventory: Inventory, indexes: Mapping[str, Sequence[str]], links: Mapping[str, str]
) -> Inventory:
    """The inventory with a model for each index, by path with the names of its files, and for each family of
    numbered files. ``links`` are symbolic links of the tree with what they stand for.
    """
    by_path: dict[str, Component] = {}
    for one in inventory.components:
        for where in one.seen if one.kind is Kind.MODEL else ():
            if where.line is None and not where.member:
                by_path.setdefault(where.path, one)
    by_path |= {path: by_path[target] for path, target in links.items() if target in by_path}
    wholes = list(_wholes({path: names for path, names in indexes.items() if names}, by_path))
    if not wholes:
        return inventory
    made: dict[str, Component] = {}
    taken: dict[str, str] = {}
    extra: set[Relation] = set()
    for whole in wholes:
        component = _whole(whole)
        made[component.ref] = component
        for piece in whole.pieces:
            if piece.ref in taken:  # the same bytes under the same name, of another model
                extra.add(Relation(component.ref, piece.ref))
            else:
                taken[piece.ref] = component.ref
    components = [_piece(one, taken.get(one.ref), made) for one in inventory.components]
    return replace(
        inventory,
        components=tuple(sorted((*components, *made.values()), key=lambda one: one.ref)),
        relations=tuple(sorted({*_moved(inventory.relations, taken), *extra})),
    )


def _wholes(indexes: Mapping[str, Sequence[str]], by_path: Mapping[str, Component]) -> Iterator[_Whole]:
    indexed: set[str] = set()
    for path in sorted(indexes):
        folder, name = posixpath.split(path)
        paths = tuple(posixpath.normpath(posixpath.join(folder, one)) for one in indexes[path])
        if any(one.startswith(("../", "/")) for one in paths):
            continue  # leads out of the tree: a finding, and no list of a model's files
        indexed.update(paths)
        yield _filled(_Whole(name.removesuffix(shards.INDEX), Location(path), paths), by_path)
    done: set[tuple[str, str]] = set()
    for path in sorted(by_path):
        folder, name = posixpath.split(path)
        found = shards.family(name)
        if found is None or path in indexed or (folder, found[1][0]) in done:
            continue
        done.add((folder, found[1][0]))
        paths = tuple(posixpath.join(folder, one) for one in found[1])
        yield _filled(_Whole(found[0], Location(path), paths), by_path)


def _filled(whole: _Whole, by_path: Mapping[str, Component]) -> _Whole:
    for path in whole.paths:
        if path in by_path:
            whole.pieces.append(by_path[path])
        else:
            whole.lacks.append(path)
    return whole


def _whole(whole: _Whole) -> Component:
    pieces = whole.pieces
    facts = _shared(pieces) | (set(_sums(pieces)) if not whole.lacks else set())
    first = pieces[0] if pieces else None
    return Component(
        ref=f"model:{whole.where.path}",
        name=whole.name,
        kind=Kind.MODEL,
        project=first.project if first else ".",
        facts=tuple(sorted(facts, key=repr)),
        seen=(whole.where,),
        lacks=tuple(sorted(whole.lacks)),
        licences=first.licences if first else (),
    )


def _shared(pieces: Sequence[Component]) -> set[Fact]:
    rows = [{fact for fact in one.facts if fact.name not in _OWN} for one in pieces]
    return set.intersection(*rows) if rows else set()


def _sums(pieces: Sequence[Component]) -> Iterator[Fact]:
    """What the pieces have together, where each says how much it has."""
    for name in _COUNTED:
        counts = [fact.value for one in pieces for fact in one.facts if fact.name is name]
        if pieces and len(counts) == len(pieces) and all(isinstance(one, int) for one in counts):
            yield Fact(name, sum(int(one) for one in counts))
    types = {fact.value for one in pieces for fact in one.facts if fact.name is FactName.DTYPES}
    if types:
        yield Fact(
            FactName.DTYPES, ", ".join(sorted({each for one in types for each in str(one).split(", ")}))
        )


def _piece(one: Component, whole: str | None, made: Mapping[str, Component]) -> Component:
    if whole is None:
        return one
    said = set(made[whole].facts)
    own = tuple(fact for fact in one.facts if fact.name in _OWN or fact not in said)
    return replace(one, kind=Kind.FILE, part_of=whole, facts=own, licences=())


def _moved(relations: Iterable[Relation], taken: Mapping[str, str]) -> Iterator[Relation]:
    """What a piece needs, and who needs it, is said of the whole."""
    for row in relations:
        source, target = taken.get(row.source, row.source), taken.get(row.target, row.target)
        if source != target:
            yield Relation(source, target)
