"""Bills of materials in the tree: the hashes of files that a CycloneDX document lists.

Law: CycloneDX 1.6, ``components[].hashes`` and ``components[].evidence.occurrences``. The hashes of a package
are those of what an index serves, not of a file of the tree: only files, models and data are held against it.
"""

from collections.abc import Iterator

from scanner.errors import LimitReached
from scanner.integrity import jsontext
from scanner.integrity.digests import digest
from scanner.integrity.tree import Witness
from scanner.model import Stated

KIND = "bill-of-materials"
_RULE = "HSH-011"
_KINDS = frozenset({"file", "machine-learning-model", "data", "firmware"})
_SAYS = "the bill of materials"


def claims(witness: Witness) -> Iterator[Stated]:
    """What the document says of files of the tree. Nothing of JSON that is no CycloneDX."""
    document = jsontext.mapping(jsontext.load(witness.whole()))
    if document.get("bomFormat") != "CycloneDX":
        return
    subject = jsontext.mapping(jsontext.mapping(document.get("metadata")).get("component"))
    todo = [subject, *jsontext.rows(document.get("components"))[::-1]]
    count = 0
    while todo:
        component = jsontext.mapping(todo.pop())
        todo += jsontext.rows(component.get("components"))
        for claim in _of_component(component, witness):
            count += 1
            if count > witness.limits.claims:
                raise LimitReached("claims", allowed=witness.limits.claims)
            yield claim


def _of_component(component: jsontext.Object, witness: Witness) -> Iterator[Stated]:
    hashes = [jsontext.mapping(row) for row in jsontext.rows(component.get("hashes"))]
    if component.get("type") not in _KINDS or not hashes:
        return
    where = witness.where
    for path in _files(component, witness):
        for row in hashes:
            known = digest(jsontext.text(row.get("alg")), jsontext.text(row.get("content")))
            if known is not None:
                yield Stated(path, where, KIND, known, rule=_RULE, says=_SAYS)


def _files(component: jsontext.Object, witness: Witness) -> Iterator[str]:
    """The files of the tree that a component is: where it was seen, else what it is called."""
    evidence = jsontext.mapping(component.get("evidence"))
    seen = [
        jsontext.text(jsontext.mapping(row).get("location"))
        for row in jsontext.rows(evidence.get("occurrences"))
    ]
    for name in seen or [jsontext.text(component.get("name"))]:
        path = witness.tree.find(witness.where.path, name) if name else None
        # What is named and not here is no file of this tree: a bill lists what was shipped elsewhere, too.
        if path is not None and witness.tree.real(path) is not None:
            yield path
