"""Settings of package managers and update bots that decide how fresh a release may be."""

from collections.abc import Iterator

from sbom.model import Location
from scanner.model import ManifestParser, Reading
from scanner.registry.rows import Manifest


def _parser(name: str) -> ManifestParser:
    def parse(data: bytes, where: Location) -> Iterator[Reading]:
        from scanner.manifests import cooldown, pip_conf

        parsers: dict[str, ManifestParser] = {
            "uv": cooldown.parse_uv,
            "pip": pip_conf.parse,
            "npm": cooldown.parse_npmrc,
            "pnpm": cooldown.parse_pnpm,
            "yarn": cooldown.parse_yarn,
            "dependabot": cooldown.parse_dependabot,
            "renovate": cooldown.parse_renovate,
        }
        return parsers[name](data, where)

    return parse


SETTINGS: tuple[Manifest, ...] = (
    Manifest("uv-settings", "uv.toml (waiting time)", ("uv.toml",), _parser("uv"), around=True),
    Manifest(
        "pip-settings",
        "pip.conf (indexes, waiting time)",
        ("pip.conf", "pip.ini"),
        _parser("pip"),
        around=True,
    ),
    Manifest(
        "npm-settings", ".npmrc (waiting time)", (".npmrc",), _parser("npm"), ecosystem="npm", around=True
    ),
    Manifest(
        "pnpm-workspace",
        "pnpm-workspace.yaml (waiting time)",
        ("pnpm-workspace.yaml",),
        _parser("pnpm"),
        ecosystem="npm",
        around=True,
    ),
    Manifest(
        "yarn-settings",
        ".yarnrc.yml (waiting time)",
        (".yarnrc.yml",),
        _parser("yarn"),
        ecosystem="npm",
        around=True,
    ),
    Manifest(
        "dependabot",
        "Dependabot (waiting time)",
        ("dependabot.yml", "dependabot.yaml"),
        _parser("dependabot"),
        folders=(".github", "*/.github"),
        around=True,
    ),
    Manifest(
        "renovate",
        "Renovate (waiting time)",
        ("renovate.json", ".renovaterc", ".renovaterc.json"),
        _parser("renovate"),
        around=True,
    ),
)
