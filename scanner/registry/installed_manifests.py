"""What lies in the tree as it is installed: environments, and the packages that are to be installed."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.files.source import BytesSource
from scanner.model import OnDisk, Reading
from scanner.registry.rows import Manifest


def _read_metadata(file: OnDisk) -> Iterator[Reading]:
    from scanner.manifests import installed

    return installed.read(file)


def _read_wheel(file: OnDisk) -> Iterator[Reading]:
    from scanner.manifests import distributions

    return distributions.read_wheel(file)


def _read_sdist(file: OnDisk) -> Iterator[Reading]:
    from scanner.manifests import distributions

    return distributions.read_sdist(file)


def _metadata(data: bytes, where: Location) -> Iterator[Reading]:
    return _read_metadata(OnDisk(BytesSource(data), where))


def _wheel(data: bytes, where: Location) -> Iterator[Reading]:
    return _read_wheel(OnDisk(BytesSource(data), where))


def _sdist(data: bytes, where: Location) -> Iterator[Reading]:
    return _read_sdist(OnDisk(BytesSource(data), where))


def _conda_meta(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import conda_meta

    return conda_meta.parse(data, where)


_PACKAGES = ("site-packages", "dist-packages")
# An egg-info without a release in its name lies beside a setup.py, and repeats what that says.
_EGGS = (
    "*-[0-9]*.egg-info",
    "egg-info",
    "*/egg-info",
    *(f"*{folder}/*.egg-info" for folder in _PACKAGES),
)

INSTALLED: tuple[Manifest, ...] = (
    Manifest(
        "dist-info",
        "installed Python distribution (dist-info)",
        ("metadata",),
        _metadata,
        lock=True,
        folders=("*.dist-info",),
        read=_read_metadata,
        beside=("REQUESTED", "direct_url.json"),
    ),
    Manifest(
        "egg-info",
        "installed Python distribution (egg-info)",
        ("pkg-info",),
        _metadata,
        lock=True,
        folders=_EGGS,
        read=_read_metadata,
    ),
    Manifest(
        "egg-info-file",
        "installed Python distribution (egg-info in one file)",
        ("*-[0-9]*.egg-info",),
        _metadata,
        lock=True,
        read=_read_metadata,
    ),
    Manifest(
        "conda-meta",
        "installed conda package (conda-meta)",
        ("*.json",),
        _conda_meta,
        lock=True,
        ecosystem="conda",
        folders=("conda-meta", "*/conda-meta"),
    ),
    Manifest("wheel", "wheel lying in the tree", ("*.whl",), _wheel, around=True, read=_read_wheel),
    Manifest(
        "sdist",
        "sdist lying in the tree",
        tuple(f"*-[0-9]*{end}" for end in (".tar.gz", ".tgz", ".tar.bz2", ".zip")),
        _sdist,
        around=True,
        marked=True,
        read=_read_sdist,
    ),
)
