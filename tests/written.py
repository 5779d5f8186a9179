"""Every CycloneDX document that a test writes is held against the strict schema and our own laws.

The one writer of inventories is wrapped where it stands, and the merging of documents: of valid ones it makes
a valid one. Documents that the real command prints, or writes to a file, are looked at by
``tests.cli.command``. The schema's validator is made once, with the first document.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache, wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sbom.document import Document

_T = TypeVar("_T", bound=Callable[..., bytes])

seen: dict[str, int] = {"documents": 0}


@cache
def _validator(spec: str) -> Any:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.from_version(spec))


def hold(data: bytes) -> None:
    """Raises AssertionError where the document breaks the schema, a law of ours, or names nobody."""
    from sbom.check import check

    document = json.loads(data)
    assert check(document) == [], "a document that a test wrote breaks our own laws"
    error = _validator(document["specVersion"]).validate_str(data.decode("ascii"))
    assert error is None, f"a document that a test wrote breaks the schema: {error!r}"
    seen["documents"] += 1


def hold_spdx(data: bytes) -> None:
    """Raises where an SPDX 3 document does not fit the project's model, or names what it does not hold."""
    from spdx_python_model import load_data

    model, objects = load_data(json.loads(data))
    model.JSONLDSerializer().write(
        objects, BytesIO()
    )  # how many of each there must be is asked when it writes
    missing = objects.link()
    assert not missing, f"a document that a test wrote names what it does not hold: {missing}"
    seen["documents"] += 1


def merging(merge: _T) -> _T:
    """The merge, whose document is held against the laws where all that went into it kept them."""

    @wraps(merge)
    def merged(documents: "Sequence[Document]", **named: Any) -> bytes:
        data = merge(documents, **named)
        if all(_is_valid(one) for one in documents):
            hold(data)
        return data

    made: Any = merged
    result: _T = made
    return result


def _is_valid(document: "Document") -> bool:
    from sbom.check import check

    if document.kind != "cyclonedx" or document.spec not in {"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}:
        return False
    return (
        not check(document.data) and _validator(document.spec).validate_str(json.dumps(document.data)) is None
    )


def holding(write: _T, laws: Callable[[bytes], None] = hold) -> _T:
    """The writer, each of whose documents is held against the laws before it is handed on."""

    @wraps(write)
    def written(*given: Any, **named: Any) -> bytes:
        data = write(*given, **named)
        laws(data)
        return data

    made: Any = written
    result: _T = made
    return result
