"""What the other ecosystems declare that machine-learning repositories carry: JavaScript, Rust, Go, R."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import Reading
from scanner.registry.rows import Manifest


def _package_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import package_lock

    return package_lock.parse(data, where)


def _yarn_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import yarn_lock

    return yarn_lock.parse(data, where)


def _pnpm_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pnpm_lock

    return pnpm_lock.parse(data, where)


def _package_json(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import package_json

    return package_json.parse(data, where)


def _cargo_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import cargo_lock

    return cargo_lock.parse(data, where)


def _cargo(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import cargo

    return cargo.parse(data, where)


def _go_mod(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import go_mod

    return go_mod.parse(data, where)


def _go_sum(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import go_mod

    return go_mod.parse_sums(data, where)


def _renv_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import renv_lock

    return renv_lock.parse(data, where)


ECOSYSTEMS: tuple[Manifest, ...] = (
    Manifest(
        "package-lock",
        "package-lock.json (versions 1 to 3)",
        ("package-lock.json", "npm-shrinkwrap.json"),
        _package_lock,
        lock=True,
        ecosystem="npm",
    ),
    Manifest(
        "yarn-lock", "yarn.lock (yarn 1 and later)", ("yarn.lock",), _yarn_lock, lock=True, ecosystem="npm"
    ),
    Manifest(
        "pnpm-lock",
        "pnpm-lock.yaml (formats 5 to 9)",
        ("pnpm-lock.yaml", "pnpm-lock.yml"),
        _pnpm_lock,
        lock=True,
        ecosystem="npm",
    ),
    Manifest("package-json", "package.json", ("package.json",), _package_json, ecosystem="npm"),
    Manifest(
        "cargo-lock",
        "Cargo.lock (formats 1 to 4)",
        ("cargo.lock",),
        _cargo_lock,
        lock=True,
        ecosystem="cargo",
    ),
    Manifest("cargo", "Cargo.toml", ("cargo.toml",), _cargo, ecosystem="cargo"),
    Manifest("go-mod", "go.mod", ("go.mod",), _go_mod, lock=True, ecosystem="go"),
    Manifest("go-sum", "go.sum", ("go.sum",), _go_sum, ecosystem="go"),
    Manifest("renv-lock", "renv.lock", ("renv.lock",), _renv_lock, lock=True, ecosystem="cran"),
)
