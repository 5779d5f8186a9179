"""conda-meta/*.json: what conda installed into an environment, one file for each package.

Law: conda's documentation, "Conda environments", and what conda's PrefixRecord writes.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.purl import normalise_name
from sbom.record import replace
from scanner.errors import Malformed
from scanner.limits import Limits
from scanner.manifests import conda_locks, conda_names, jsontext, locks
from scanner.model import Reading
from scanner.text import visible

_LIMITS = Limits()
_NAME = re.compile(r'^[ \t{]{0,8}"name"[ \t]*:', re.MULTILINE)
_INSIDE = re.compile(r"(?:^|/)site-packages/([^/]+?)-([^/-]+)(?:-py[0-9.]+)?\.(?:dist-info|egg-info)(?:/|$)")
_FILES = 200_000  # of one package that are looked at


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration: the package as it is installed.

    Direct where somebody asked for it by name. A package that holds the metadata of one Python distribution
    of the same release is that distribution. Raises Malformed where the file is no record of a package.
    """
    document, text, trouble = jsontext.load(data)
    row = document if isinstance(document, dict) else {}
    name, version = row.get("name"), row.get("version")
    if not isinstance(name, str) or not name or not isinstance(version, str):
        raise Malformed("conda-meta", line=1, found="another format", wanted="name, version and build")
    found = _NAME.search(text)
    line = text.count("\n", 0, found.start()) + 1 if found else 1
    lock = locks.Lock(where, remedy="Install the package again; its record was not read.")
    if trouble:
        lock.bad(1, trouble)
    package = conda_locks.Package(
        name,
        version,
        line,
        is_conda=True,
        url=_text(row, "url"),
        build=_text(row, "build") or _text(row, "build_string"),
        subdir=_text(row, "subdir"),
        channel=_channel(row),
    )
    wanted = lock.names(line, f"the depends of {name}", row.get("depends"))
    package.depends = tuple(conda_locks.name_of(spec) for spec in wanted)
    package.hashes = lock.digests(
        line, name, [f"{key}:{row[key]}" for key in ("md5", "sha256") if isinstance(row.get(key), str)]
    )
    inside = _distribution(row.get("files"), version)
    package.purls = (inside,) if inside else ()
    conda_locks.settle(package)
    if inside and conda_names.is_public(package.channel):
        package.python = normalise_name(inside)  # what it holds says more than what it is called
    yield from lock.drained()
    for declaration in conda_locks.declarations(lock, [package]):
        yield replace(
            declaration,
            requires=_requires(package),
            direct=bool(_text(row, "requested_spec") or row.get("requested_specs")),
            installed=True,
            licence=visible(_text(row, "license"), limit=_LIMITS.message_chars),
        )


def _text(row: dict[str, object], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _channel(row: dict[str, object]) -> str:
    channel = _text(row, "channel").rstrip("/")
    subdir = _text(row, "subdir")
    return channel.removesuffix(f"/{subdir}") if subdir else channel


def _requires(package: conda_locks.Package) -> tuple[str, ...]:
    """Each dependency as the conda package and as the Python package that it may be: the merge finds one."""
    found: dict[str, None] = {}
    for name in package.depends:
        found[f"conda:{name}"] = None
        found[f"pypi:{conda_names.python_name(name) or name}"] = None
    return tuple(found)


def _distribution(files: object, version: str) -> str:
    """The one Python distribution of this release whose metadata the package holds, or nothing."""
    found = {
        inside.group(1)
        for path in (files[:_FILES] if isinstance(files, list) else ())
        if isinstance(path, str) and (inside := _INSIDE.search(path)) and inside.group(2) == version
    }
    return found.pop() if len(found) == 1 else ""
