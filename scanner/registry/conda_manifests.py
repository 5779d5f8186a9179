"""What conda and its relatives declare."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.rows import Manifest

_YAML = ("yml", "yaml")


def _conda(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import conda

    return conda.parse(data, where)


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
)
