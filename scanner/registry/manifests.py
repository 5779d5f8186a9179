"""Which rows of the manifest table read a file."""

from functools import cache

from scanner.registry.around_manifests import AROUND
from scanner.registry.conda_manifests import CONDA
from scanner.registry.ecosystem_manifests import ECOSYSTEMS
from scanner.registry.installed_manifests import INSTALLED
from scanner.registry.ml_manifests import ML
from scanner.registry.python_manifests import PYTHON
from scanner.registry.rows import ByName, Manifest
from scanner.registry.settings_manifests import SETTINGS

MANIFESTS: tuple[Manifest, ...] = (*PYTHON, *CONDA, *INSTALLED, *ECOSYSTEMS, *ML, *SETTINGS, *AROUND)

REQUIREMENTS = PYTHON[0]
_CONDA = CONDA[0]


def included_row(path: str) -> Manifest:
    """The row that reads a file which another one pulls in, whatever it is called."""
    found = next((row for row in manifests_of(path) if not row.marked), None)
    if found is not None:
        return found
    return _CONDA if path.lower().endswith((".yml", ".yaml")) else REQUIREMENTS


def manifest_of(path: str) -> Manifest | None:
    """The row that the name of the file at this POSIX path decides, else the first that may read it, or None.

    A marked row is asked for by what a file holds, which its path does not say.
    """
    rows = manifests_of(path)
    return next((row for row in rows if not row.marked), next(iter(rows), None))


def manifests_of(path: str) -> tuple[Manifest, ...]:
    """The rows that may read the file at this POSIX path: one by its name alone, and each marked one.

    Files in a folder called ``requirements`` count by the folder: ``requirements/dev.txt`` is as common as
    ``requirements-dev.txt``.
    """
    folder, _, name = path.lower().rpartition("/")
    found = [row for row in _by_name().of(name) if row.claims(folder, name)]
    first = next((row for row in found if not row.marked), None)
    rows = tuple(row for row in found if row.marked or row is first)
    if first is None and folder.rpartition("/")[2] == "requirements" and name.endswith((".txt", ".in")):
        return (REQUIREMENTS, *rows)
    return rows


@cache
def _by_name() -> ByName[Manifest]:
    return ByName((row, row.names) for row in MANIFESTS)
