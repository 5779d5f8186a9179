"""Pure: the lines that have a server load an archive of the tree, as loads of that archive.

Law: TorchServe's documentation, "Running TorchServe" (``--models``, ``--model-store``) and "Advanced
configuration" (``load_models``, ``model_store`` in ``config.properties``).
"""

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator

from sbom.model import Location
from scanner.join import tools
from scanner.model import LoadSite, Resolved, Run

Read = Callable[[str], bytes | None]

_ARCHIVES = (".mar", ".war")
_CONFIGS = 200  # that are read
_BECAUSE = "a server runs the handler that lies in it"


def is_archive(path: str) -> bool:
    """Whether a path is that of an archive that a server loads."""
    return path.endswith(_ARCHIVES)


def sites(paths: Collection[str], runs: Iterable[Run], read: Read) -> tuple[LoadSite, ...]:
    """One load for each archive that a command or a ``config.properties`` names."""
    found = [_site(run.by[-1] if run.by else run.where, run.script) for run in runs if is_archive(run.script)]
    return tuple(dict.fromkeys((*found, *_configured(paths, read))))


def _configured(paths: Collection[str], read: Read) -> Iterator[LoadSite]:
    configs = sorted(path for path in paths if path.rpartition("/")[2] == "config.properties")
    archives = sorted(filter(is_archive, paths))
    for path in configs[:_CONFIGS] if archives else ():
        data = read(path) or b""
        _, names = tools.torchserve(data)
        rows = data.decode("utf-8", "replace").split("\n")
        line = next((at for at, row in enumerate(rows, 1) if row.strip().startswith("load_models")), 1)
        for archive in archives:
            if posixpath.basename(archive) in names or "*.mar" in names:
                yield _site(Location(path, line=line), archive)


def _site(where: Location, archive: str) -> LoadSite:
    target = Resolved("path", archive, held=True)
    return LoadSite(
        "torchserve",
        where,
        target,
        "torchserve",
        "hub-code",
        unsafe=True,
        reached_when_run=True,
        because=_BECAUSE,
    )
