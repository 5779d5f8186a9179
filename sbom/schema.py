"""Whether a CycloneDX document follows its published JSON schema, through the library's strict validator.

The validator wants jsonschema, which the extra ``weighbridge[schema]`` brings, and costs 1.8 s to import.
"""

from typing import Any, Final

from sbom.check import Problem
from sbom.document import Document, pointer
from sbom.record import record

MAX_ERRORS: Final = 1_000
MAX_SAID: Final = 300


@record
class Checked:
    """``problems`` against the schema; ``missing`` says why it was not asked, empty where it was."""

    problems: tuple[Problem, ...] = ()
    missing: str = ""


def check(document: Document, text: str) -> Checked:
    """What the schema of the version that the document states has against it. ``text`` is the document."""
    if document.kind != "cyclonedx":
        return Checked()
    from cyclonedx.exception import MissingOptionalDependencyException
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    try:
        version = SchemaVersion.from_version(document.spec)
        validator = JsonStrictValidator(version)
    except (ValueError, KeyError, AttributeError):
        return Checked(missing=f"no schema of CycloneDX {document.spec} is at hand")
    except MissingOptionalDependencyException:
        return Checked(missing="jsonschema is not installed: pip install 'weighbridge[schema]'")
    try:
        errors = validator.validate_str(text, all_errors=True)
    except NotImplementedError:
        return Checked(missing=f"CycloneDX {document.spec} has no schema of its JSON")
    except MissingOptionalDependencyException:
        return Checked(missing="jsonschema is not installed: pip install 'weighbridge[schema]'")
    except RecursionError:
        return Checked((Problem("", "schema", "nested deeper than the schema's validator goes"),))
    found: list[Problem] = []
    for error in errors or ():
        found.append(_problem(error.data))
        if len(found) == MAX_ERRORS:
            break
    return Checked(tuple(sorted(set(found))))


def _problem(error: Any) -> Problem:
    """jsonschema's error: the deepest of what it tried says most."""
    best = error
    while best.context:
        best = max(best.context, key=lambda one: len(one.absolute_path))
    said = str(best.message)
    shown = said if len(said) <= MAX_SAID else f"{said[: MAX_SAID - 3]}..."
    return Problem(pointer(*best.absolute_path), "schema", shown)
