"""Where an environment lies: found by its layout and by what is set, without starting its interpreter."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from scanner.environment import Environment
from scanner.errors import UsageError
from scanner.text import visible

_PACKAGES = ("site-packages", "dist-packages")
_LIBRARY = re.compile(r"(?:python|pypy)[0-9.]*t?")
_SHEBANG = b"#!"


def find(named: str) -> Environment:
    """The environment that ``--env`` names: ``active``, a prefix, or a folder of installed packages.

    Raises UsageError where there is none, or nothing is installed in it.
    """
    place = _active() if named == "active" else Path(named)
    if not place.is_dir():
        raise UsageError(f"--env: no such folder: {visible(str(place))}")
    root = Path(os.path.realpath(place))
    sites = tuple(_sites(root))
    if not sites and _holds_packages(root):
        above = _prefix_of(root)
        root, sites = (root, ("",)) if above is None else (above, (root.relative_to(above).as_posix(),))
    conda = root / "conda-meta"
    if not sites and not conda.is_dir():
        raise UsageError(
            f"--env: no environment at {visible(str(place))}: neither lib/python*/site-packages nor packages "
            "with their metadata"
        )
    libraries = sorted({Path(site).parent.as_posix() for site in sites if Path(site).name == "site-packages"})
    return Environment(root, sites, tuple(one for one in libraries if one != "."), conda.is_dir())


def _active() -> Path:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        value = os.environ.get(variable)
        if value:
            return Path(value)
    program = shutil.which("python") or shutil.which("python3")
    if program is None:
        raise UsageError("--env active: no VIRTUAL_ENV, no CONDA_PREFIX, and no python on PATH")
    prefix = Path(program).parent.parent
    if (prefix / "pyvenv.cfg").is_file():
        return prefix  # its python is a link to another one's
    real = Path(os.path.realpath(program))
    try:
        with real.open("rb") as file:
            is_script = file.read(2) == _SHEBANG
    except OSError as error:
        raise UsageError(f"--env active: {visible(program)}: {error.strerror}") from error
    if is_script:
        raise UsageError(
            f"--env active: {visible(program)} is a script that starts another python; name the environment "
            "instead: --env PATH"
        )
    return real.parent.parent


def _sites(root: Path) -> Iterator[str]:
    """The folders of installed packages below a prefix, each once however many names it has."""
    seen: set[str] = set()
    for base in ("lib", "lib64", "Lib", "local/lib", "usr/lib", "usr/local/lib"):
        folder = root / base
        if not folder.is_dir():
            continue
        libraries = [folder / name for name in sorted(os.listdir(folder)) if _LIBRARY.fullmatch(name)]  # noqa: PTH208
        for library in (folder, *libraries):
            for name in _PACKAGES:
                site = library / name
                real = os.path.realpath(site)
                inside = real.startswith(f"{root}{os.sep}")
                if site.is_dir() and inside and os.path.normcase(real) not in seen:
                    seen.add(os.path.normcase(real))
                    yield Path(real).relative_to(root).as_posix()


def _holds_packages(folder: Path) -> bool:
    return folder.name in _PACKAGES or any(
        name.endswith((".dist-info", ".egg-info", ".egg"))
        for name in os.listdir(folder)  # noqa: PTH208
    )


def _prefix_of(site: Path) -> Path | None:
    """The prefix that a folder ``lib/python3.12/site-packages`` belongs to, or None for a lone folder."""
    if site.name not in _PACKAGES:
        return None
    above = site.parent
    if _LIBRARY.fullmatch(above.name):
        above = above.parent
    return above.parent if above.name.lower() in {"lib", "lib64"} else None
