"""What Python projects declare, and the locks of their tools."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.rows import Manifest


def _requirements(data: bytes, where: Location) -> Iterator[Reading]:
    # conda writes its lists under the names of pip's files, too.
    if b"@EXPLICIT" in data or b"conda create --name" in data[:1024].replace(b"\0", b""):
        from scanner.manifests import conda_explicit

        if conda_explicit.is_list(data):
            return conda_explicit.parse(data, where)
    from scanner.manifests import requirements

    return requirements.parse(data, where)


def _pyproject(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pyproject

    return pyproject.parse(data, where)


def _uv_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import uv_lock

    return uv_lock.parse(data, where)


def _poetry_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import poetry_lock

    return poetry_lock.parse(data, where)


def _pdm_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pdm_lock

    return pdm_lock.parse(data, where)


def _pipfile_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pipfile_lock

    return pipfile_lock.parse(data, where)


def _pipfile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pipfile

    return pipfile.parse(data, where)


def _pylock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pylock

    return pylock.parse(data, where)


def _inline_metadata(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import script

    return script.parse(data, where)


def _setup_cfg(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import setup_cfg

    return setup_cfg.parse(data, where)


def _setup_py(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import setup_py

    return setup_py.parse(data, where)


PYTHON: tuple[Manifest, ...] = (
    Manifest(
        "requirements",
        "pip requirements and constraints files",
        (
            "requirements*.txt",
            "*requirements.txt",
            "requirements*.in",
            "constraints*.txt",
            "*-constraints.txt",
        ),
        _requirements,
    ),
    Manifest("pyproject", "pyproject.toml (PEP 621, PEP 735)", ("pyproject.toml",), _pyproject),
    Manifest("uv-lock", "uv.lock", ("uv.lock",), _uv_lock, lock=True),
    Manifest("poetry-lock", "poetry.lock", ("poetry.lock",), _poetry_lock, lock=True),
    Manifest("setup-py", "setup.py (read, never run)", ("setup.py",), _setup_py),
    Manifest("setup-cfg", "setup.cfg (setuptools)", ("setup.cfg",), _setup_cfg),
    Manifest("pylock", "pylock.toml (PEP 751)", ("pylock.toml", "pylock.*.toml"), _pylock, lock=True),
    Manifest("pipfile", "Pipfile", ("pipfile",), _pipfile),
    Manifest("pipfile-lock", "Pipfile.lock", ("pipfile.lock",), _pipfile_lock, lock=True),
    Manifest("pdm-lock", "pdm.lock", ("pdm.lock",), _pdm_lock, lock=True),
    Manifest(
        "script",
        "Python scripts with inline metadata (PEP 723)",
        ("*.py", "*.pyw"),
        _inline_metadata,
        marked=True,
        alone=True,
    ),
)
