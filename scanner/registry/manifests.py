"""Which row of the manifest table reads a file."""

from scanner.registry.around_manifests import AROUND
from scanner.registry.conda_manifests import CONDA
from scanner.registry.ecosystem_manifests import ECOSYSTEMS
from scanner.registry.installed_manifests import INSTALLED
from scanner.registry.python_manifests import PYTHON
from scanner.registry.rows import Manifest

MANIFESTS: tuple[Manifest, ...] = (*PYTHON, *CONDA, *INSTALLED, *ECOSYSTEMS, *AROUND)

REQUIREMENTS = PYTHON[0]
_CONDA = CONDA[0]


def included_row(path: str) -> Manifest:
    """The row that reads a file which another one pulls in, whatever it is called."""
    found = manifest_of(path)
    if found is not None and not found.marked:
        return found
    return _CONDA if path.lower().endswith((".yml", ".yaml")) else REQUIREMENTS


def manifest_of(path: str) -> Manifest | None:
    """The row that reads the file at this POSIX path, or None.

    Files in a folder called ``requirements`` count by the folder: ``requirements/dev.txt`` is as common as
    ``requirements-dev.txt``.
    """
    folder, _, name = path.lower().rpartition("/")
    for row in MANIFESTS:
        if row.claims(folder, name):
            return row
    if folder.rpartition("/")[2] == "requirements" and name.endswith((".txt", ".in")):
        return REQUIREMENTS
    return None
