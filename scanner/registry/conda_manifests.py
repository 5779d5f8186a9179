"""What conda and its relatives declare."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.rows import Manifest

_YAML = ("yml", "yaml")


def _conda(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import conda

    return conda.parse(data, where)


def _conda_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import conda_lock

    return conda_lock.parse(data, where)


def _conda_explicit(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import conda_explicit

    return conda_explicit.parse(data, where) if conda_explicit.is_list(data) else iter(())


def _pixi(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pixi

    return pixi.parse(data, where)


def _pixi_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pixi_lock

    return pixi_lock.parse(data, where)


CONDA: tuple[Manifest, ...] = (
    Manifest(
        "conda-environment",
        "conda environment.yml",
        tuple(
            f"{stem}.{end}"
            for stem in ("environment*", "env", "conda", "conda[-_][!l]*", "*[-_]environment")
            for end in _YAML
        ),
        _conda,
        ecosystem="conda",
    ),
    Manifest(
        "conda-lock",
        "conda-lock.yml",
        tuple(f"{stem}.{end}" for stem in ("conda-lock*", "*.conda-lock") for end in _YAML),
        _conda_lock,
        lock=True,
        ecosystem="conda",
    ),
    Manifest(
        "conda-explicit",
        "conda list of packages (@EXPLICIT, conda list --export)",
        (
            "conda*.lock",
            "*[-._]conda.lock",
            "conda*.txt",
            "*[-_]conda.txt",
            "explicit*.txt",
            "*[-._]explicit.txt",
            "spec[-_]*.txt",
            "specs.txt",
            "spec.txt",
            "package-list.txt",
            "packages.txt",
            "environment*.txt",
        ),
        _conda_explicit,
        lock=True,
        ecosystem="conda",
        marked=True,
    ),
    Manifest("pixi", "pixi.toml", ("pixi.toml",), _pixi, ecosystem="conda"),
    Manifest("pixi-lock", "pixi.lock", ("pixi.lock",), _pixi_lock, lock=True, ecosystem="conda"),
)
