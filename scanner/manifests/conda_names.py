"""Which Python package a conda package is, and how its channel, its build and its platform are told.

The table beside this file decides, and says why. What it does not name counts as the Python package of the
same name only where the package itself shows that it is one: it depends on ``python``, and comes from a
public channel. A name from a channel of somebody's own says nothing about what was built there.
"""

import json
import re
from functools import cache
from pathlib import Path

from sbom.record import record
from scanner.manifests import urls
from scanner.patterns import pattern

PUBLIC_HOSTS = frozenset({"conda.anaconda.org", "repo.anaconda.com", "repo.prefix.dev", "prefix.dev"})
_PUBLIC = frozenset(
    {"defaults", "main", "anaconda", "conda-forge", "pytorch", "pytorch-nightly", "nvidia", "huggingface"}
    | {"bioconda", "rapidsai", "xformers", "fastai", "intel"}
)
_INTERPRETERS = frozenset({"python", "python_abi", "python-abi3", "pypy", "cpython"})
ARCHIVES = (".conda", ".tar.bz2")
_PLATFORM = pattern(r"(?P<system>linux|osx|win)-(?P<machine>[a-z0-9_]+)", re.ASCII)
_SYSTEMS = {"linux": "linux", "osx": "darwin", "win": "win32"}


@record
class Archive:
    """What the address of a built package tells: ``channel`` is an address, ``subdir`` the platform."""

    name: str
    version: str
    build: str
    subdir: str = ""
    channel: str = ""
    kind: str = ""

    def qualifiers(self) -> tuple[tuple[str, str], ...]:
        """The qualifiers of its package URL (purl-spec, type conda)."""
        rows = (
            ("build", self.build),
            ("channel", channel_name(self.channel)),
            ("subdir", self.subdir),
            ("type", self.kind),
        )
        return tuple((key, value) for key, value in rows if value)


@cache
def _table() -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    loaded = json.loads(Path(__file__).with_name("conda_names.json").read_bytes())
    return loaded["names"], loaded["apart"]


def python_name(name: str, channel: str = "", *, is_python: bool = False) -> str:
    """The Python package that this conda package is built from; nothing where it stays a conda package.

    ``is_python`` where the package itself shows it, by what it depends on.
    """
    if not is_public(channel):
        return ""
    names, apart = _table()
    if name in names:
        return names[name]["pypi"]
    return name if is_python and name not in apart and name[:1] != "_" else ""


def is_interpreter(name: str) -> bool:
    """Whether what depends on this package runs in Python."""
    return name in _INTERPRETERS


def is_public(channel: str) -> bool:
    """Whether a channel (its name or its address; empty: the default one) is one that everybody knows."""
    name = channel.partition("/")[0] if "://" not in channel else channel.rstrip("/").rpartition("/")[2]
    hosted = "://" not in channel or urls.web_host(channel)[1] in PUBLIC_HOSTS
    return not channel or (hosted and name.lower() in _PUBLIC)


def channel_name(channel: str) -> str:
    """The channel as people write it: its last word where a public host serves it, else its address."""
    if "://" not in channel or urls.web_host(channel)[1] not in PUBLIC_HOSTS:
        return channel
    return channel.rstrip("/").rpartition("/")[2]


def archive_of(url: str) -> Archive | None:
    """What the address or path of a built package tells, or None where it names none."""
    base = url.partition("#")[0].partition("?")[0]
    rest, _, file_name = base.replace("\\", "/").rpartition("/")
    kind = next((end for end in ARCHIVES if file_name.lower().endswith(end)), "")
    parts = file_name[: -len(kind)].rsplit("-", 2) if kind else []
    if len(parts) != 3 or not all(parts):
        return None
    channel, _, subdir = rest.rpartition("/")
    if not (subdir == "noarch" or _PLATFORM.fullmatch(subdir)):
        channel, subdir = "", ""
    clean = urls.without_credentials(channel)[0] if "://" in channel else ""
    # Tokens of private channels stand in the path: /t/<token>/channel
    clean = re.sub(r"/t/[^/]+/", "/t/***/", clean)
    return Archive(parts[0].lower(), parts[1], parts[2], subdir, clean, kind[1:])


def has_token(url: str) -> bool:
    """Whether a channel's token stands in the address."""
    return re.search(r"://[^/]+/t/(?!\*|\$|<)[^/]{8,}/", url) is not None


def marker_of(platform: str) -> str:
    """The environment marker of a platform; nothing for noarch and what is not known here."""
    if platform == "unix":
        return "sys_platform != 'win32'"
    if platform in _SYSTEMS:
        return f"sys_platform == '{_SYSTEMS[platform]}'"
    found = _PLATFORM.fullmatch(platform)
    if found is None:
        return ""
    system, machine = _SYSTEMS[found.group("system")], found.group("machine")
    if machine == "64":
        machine = "AMD64" if system == "win32" else "x86_64"
    elif machine == "32":
        machine = "i686" if system == "linux" else "x86"
    return f"sys_platform == '{system}' and platform_machine == '{machine}'"
