"""Two bills of materials compared: what came, what went, and what is another under the same name.

Components are matched by what they are, not by what a document calls them: the package URL without its
version, else type, group and name. So a document of one tool compares with that of another.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sbom.document import Document, Json, Part, items, mapping, mappings, parts, pointer, text_of
from sbom.record import field, mutable, record

MAX_CHANGES: Final = 200  # of one component's model card

Key = tuple[str, ...]


@record
class Change:
    """One field of a component: ``what`` is version, hash, licence, supplier, scope or model card."""

    what: str
    place: str
    old: str
    new: str


@record
class Changed:
    """A component that is in both. ``same_version`` where other bytes go by the same version."""

    old: Part
    new: Part
    changes: tuple[Change, ...]

    @property
    def same_version(self) -> bool:
        """Whether a hash changed and the version did not: a release that was published anew, or a swap."""
        return self.old.version == self.new.version and any(one.what == "hash" for one in self.changes)


@record
class Difference:
    """Everything that differs; ``vulnerabilities`` by their ids."""

    added: tuple[Part, ...]
    removed: tuple[Part, ...]
    changed: tuple[Changed, ...]
    vulnerabilities_added: tuple[str, ...] = ()
    vulnerabilities_removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(
            self.added
            or self.removed
            or self.changed
            or self.vulnerabilities_added
            or self.vulnerabilities_removed
        )


@mutable
class _Side:
    by_key: dict[Key, list[Part]] = field(default_factory=dict)


def compare(old: Document, new: Document) -> Difference:
    """What the documents disagree on, sorted."""
    before, after = _side(old), _side(new)
    added: list[Part] = []
    removed: list[Part] = []
    changed: list[Changed] = []
    for key in sorted({*before.by_key, *after.by_key}):
        pairs, gone, came = _matched(before.by_key.get(key, []), after.by_key.get(key, []))
        removed += gone
        added += came
        for one, other in pairs:
            if changes := tuple(_changes(one, other)):
                changed.append(Changed(one, other, changes))
    known, now = _vulnerabilities(old.data), _vulnerabilities(new.data)
    return Difference(
        tuple(added),
        tuple(removed),
        tuple(changed),
        tuple(sorted(now - known)),
        tuple(sorted(known - now)),
    )


def _side(document: Document) -> _Side:
    side = _Side()
    for part in parts(document):
        side.by_key.setdefault(_key(part), []).append(part)
    return side


def _key(part: Part) -> Key:
    if part.is_root:
        return ("", "what the document describes")  # it may be renamed, and stays what is described
    if part.purl:
        head = part.purl.partition("#")[0].partition("?")[0]
        name, at, _ = head.rpartition("@")
        # A purl of a file names it by its checksum: two versions of one file share all but that.
        return ("purl", name if at and "/" not in head[len(name) :] else head)
    return (part.kind, part.group, part.name)


def _matched(
    before: Sequence[Part], after: Sequence[Part]
) -> tuple[list[tuple[Part, Part]], list[Part], list[Part]]:
    """Pairs of the same thing: equal ones first, then of equal version, then one by one in order."""
    pairs: list[tuple[Part, Part]] = []
    left, right = list(before), list(after)
    for same in (_exactly, _by_release):
        waiting: dict[object, list[Part]] = {}
        for other in right:
            waiting.setdefault(same(other), []).append(other)
        rest: list[Part] = []
        for one in left:
            found = waiting.get(same(one))
            if found:
                pairs.append((one, found.pop(0)))
            else:
                rest.append(one)
        left = rest
        right = [other for row in waiting.values() for other in row]
    right.sort(key=lambda part: (part.version, part.where))
    left.sort(key=lambda part: (part.version, part.where))
    # Of one version against one other it is an update; of several nobody knows which became which.
    if len(left) == len(right) == 1:
        return [*pairs, (left[0], right[0])], [], []
    return pairs, left, right


def _exactly(part: Part) -> object:
    return (part.version, part.purl, part.hashes, part.licences)


def _by_release(part: Part) -> object:
    return part.version


def _changes(old: Part, new: Part) -> Iterator[Change]:
    if old.name != new.name:
        yield Change("name", "/name", old.name, new.name)
    if old.version != new.version:
        yield Change("version", "/version", old.version, new.version)
    yield from _hashes(old, new)
    if old.licences != new.licences:
        yield Change("licence", "/licenses", ", ".join(old.licences), ", ".join(new.licences))
    if old.supplier != new.supplier:
        yield Change("supplier", "/supplier", old.supplier, new.supplier)
    if old.kind != new.kind:
        yield Change("type", "/type", old.kind, new.kind)
    scopes = (text_of(old.data.get("scope")), text_of(new.data.get("scope")))
    if scopes[0] != scopes[1]:
        yield Change("scope", "/scope", *scopes)
    cards = (mapping(old.data.get("modelCard")), mapping(new.data.get("modelCard")))
    for count, change in enumerate(_card(*cards)):
        if count == MAX_CHANGES:
            yield Change("model card", "/modelCard", "", f"and more than {MAX_CHANGES} other changes")
            return
        yield change


def _hashes(old: Part, new: Part) -> Iterator[Change]:
    """By algorithm, and only where the two share none of its values: one more hash is no other file."""
    one, other = _by_algorithm(old), _by_algorithm(new)
    for name in sorted({*one, *other}):
        before, after = one.get(name, set()), other.get(name, set())
        if before != after and not before & after:
            what = "hash" if before and after else "hash stated"
            yield Change(what, f"/hashes/{name}", _listed(before, name), _listed(after, name))


def _by_algorithm(part: Part) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, value in part.hashes:
        found.setdefault(name, set()).add(value)
    return found


def _listed(values: set[str], name: str) -> str:
    return ", ".join(f"{name}:{value}" for value in sorted(values))


def _card(old: Json, new: Json) -> Iterator[Change]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for place in sorted({*before, *after}):
        if before.get(place) != after.get(place):
            yield Change("model card", place, _plain(before.get(place)), _plain(after.get(place)))


def _leaves(card: Json) -> Iterator[tuple[str, object]]:
    """Every value of a model card by its pointer; rows that have a name by it, so that order is no change."""
    todo: list[tuple[tuple[str | int, ...], Any]] = [(("modelCard",), card)]
    while todo:
        steps, value = todo.pop()
        if isinstance(value, dict):
            todo += [((*steps, key), one) for key, one in value.items() if key != "bom-ref"]
        elif isinstance(value, list):
            named = [_row_name(one) for one in value]
            own = len(set(named)) == len(named) and all(named)
            todo += [
                ((*steps, name if own else at), one)
                for at, (name, one) in enumerate(zip(named, value, strict=True))
            ]
        else:
            yield pointer(*steps), value


def _row_name(row: object) -> str:
    if isinstance(row, str):
        return row
    return text_of(mapping(row).get("name")) or text_of(mapping(row).get("type"))


def _plain(value: object) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _vulnerabilities(data: Mapping[str, Any]) -> set[str]:
    return {name for row in mappings(items(data.get("vulnerabilities"))) if (name := text_of(row.get("id")))}
