"""Where the files of one project contradict each other, and which tool mends it.

A lock that does not hold what its manifest asks for, two locks that disagree, a pin that its own range
excludes. What lies side by side on purpose is none: forks by marker, builds of one release, a version that
an override of the project itself allows.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbom.model import Location
from sbom.record import record
from scanner.model import Declaration, Evidence
from scanner.patterns import pattern
from scanner.text import visible

_SHOWN = 5  # names in one message


@record
class LockTool:
    """What writes a lock: the command that writes it anew, and the manifests that it is written from.

    ``whole``: the lock holds everything that such a manifest asks for, whatever groups were chosen.
    """

    command: str
    manifests: tuple[str, ...] = ()
    whole: bool = False


# By the lower-cased name of the lock.
_TOOLS: Mapping[str, LockTool] = {
    "uv.lock": LockTool("uv lock", ("pyproject.toml",), whole=True),
    "poetry.lock": LockTool("poetry lock", ("pyproject.toml",), whole=True),
    "pdm.lock": LockTool("pdm lock", ("pyproject.toml",)),
    "pipfile.lock": LockTool("pipenv lock", ("pipfile",), whole=True),
    "pylock.toml": LockTool("uv export -o pylock.toml, or pip lock", ("pyproject.toml",)),
    "conda-lock.yml": LockTool("conda-lock", ("environment.yml", "environment.yaml")),
    "conda-lock.yaml": LockTool("conda-lock", ("environment.yml", "environment.yaml")),
    "pixi.lock": LockTool("pixi lock", ("pixi.toml", "pyproject.toml")),
    "package-lock.json": LockTool("npm install --package-lock-only", ("package.json",)),
    "npm-shrinkwrap.json": LockTool("npm shrinkwrap", ("package.json",)),
    "yarn.lock": LockTool("yarn install", ("package.json",)),
    "pnpm-lock.yaml": LockTool("pnpm install --lockfile-only", ("package.json",)),
    "cargo.lock": LockTool("cargo generate-lockfile", ("cargo.toml",)),
    "go.sum": LockTool("go mod tidy", ("go.mod",)),
    "renv.lock": LockTool('Rscript -e "renv::snapshot()"', ("description",)),
}
_UNKNOWN = LockTool("the tool that wrote it")
_VARIANT = pattern(r"pylock\.[^.]+\.toml", re.IGNORECASE)
# conda's locks of one platform each, and those that their name tells apart
_APART = pattern(
    r".+\.conda-lock\.ya?ml|.*(?:linux|osx|win)-(?:32|64|aarch64|arm64|ppc64le|s390x)(?![a-z0-9]).*",
    re.IGNORECASE,
)
# Whether a marker of these can ever hold is decided by the interpreters that a project allows.
_INTERPRETER = pattern(
    r"\b(?:python_version|python_full_version|implementation|platform_python)", re.IGNORECASE
)


def tool_of(path: str) -> LockTool:
    """What writes the lock at this path."""
    name = posixpath.basename(path).lower()
    return _TOOLS["pylock.toml"] if _VARIANT.fullmatch(name) else _TOOLS.get(name, _UNKNOWN)


def writes_from(lock: str, manifest: str) -> bool:
    """Whether the lock at this path is written from the manifest at that one."""
    return posixpath.basename(manifest).lower() in tool_of(lock).manifests


def holds_all_of(lock: str, manifest: str) -> bool:
    """Whether everything that this manifest asks for has to be in that lock."""
    return tool_of(lock).whole and writes_from(lock, manifest)


def may_never_apply(marker: str) -> bool:
    """Whether a lock may leave the line out, because no interpreter of the project's meets its marker."""
    return bool(_INTERPRETER.search(marker))


def public(version: str) -> str:
    """The version without the local part that tells builds of one release apart."""
    return version.partition("+")[0]


def _and(texts: Iterable[str]) -> str:
    return " and ".join(visible(text, limit=120) for text in texts)


def stale(one: Declaration, asked: str, held: str, locks: Sequence[str], subject: str) -> Evidence:
    """DEP-014 for a line that asks for what the locks do not hold; ``held`` empty: for none of it at all."""
    name = visible(one.name, limit=80)
    said = f"{name} is asked for here as {visible(asked, limit=120)}"
    has = f"holds {visible(held, limit=120)}" if held else "holds none of it"
    own = any(writes_from(lock, one.where.path) for lock in locks)
    commands = _and(f"`{tool_of(lock).command}`" for lock in locks)
    if own:
        what = "the lock is stale"
        remedy = f"Lock again ({commands}), and commit the lock together with this file."
    else:
        what = "which of them is installed depends on what is run"
        remedy = f"Correct this line to what {_and(locks)} holds, or lock again ({commands}) and commit both."
    return Evidence(
        "DEP-014",
        one.where,
        f"{said}, and {_and(locks)} {has}: {what}",
        subject=subject,
        remedy=remedy,
    )


def excludes_itself(one: Declaration, subject: str) -> Evidence:
    """DEP-014 for a pin that the rest of its own line excludes."""
    message = f"{visible(one.name, limit=80)} can never be installed: {visible(one.specifier, limit=120)}"
    return Evidence(
        "DEP-014",
        one.where,
        f"{message} excludes its own pin",
        subject=subject,
        remedy="Remove one of the two clauses that exclude each other.",
    )


# --- two locks --------------------------------------------------------------------------------------------


@record
class Held:
    """One release that a lock holds: the package's key, its version, the lock and the line there."""

    key: str
    name: str
    version: str
    where: Location


def between_locks(rows: Iterable[Held]) -> Iterator[Evidence]:
    """DEP-014 once for each two locks of a project that hold no common release of some package.

    Locks with a name of their own (``pylock.gpu.toml``, ``conda-osx-64.lock``) are variants, and lie beside
    the others on purpose.
    """
    held: dict[str, dict[str, list[Held]]] = {}
    for row in rows:
        if row.version and not _is_variant(posixpath.basename(row.where.path)):
            held.setdefault(row.key, {}).setdefault(row.where.path, []).append(row)
    apart: dict[tuple[str, str], list[tuple[Held, Held]]] = {}
    for locks in held.values():
        paths = sorted(locks)
        for at, first in enumerate(paths):
            for second in paths[at + 1 :]:
                ours, theirs = ({public(row.version) for row in locks[path]} for path in (first, second))
                if not ours & theirs:
                    apart.setdefault((first, second), []).append((locks[first][0], locks[second][0]))
    for (first, second), pairs in sorted(apart.items()):
        yield _disagree(first, second, sorted(pairs, key=lambda pair: pair[0].where.order))


def _is_variant(name: str) -> bool:
    return _VARIANT.fullmatch(name) is not None or _APART.fullmatch(name) is not None


def _disagree(first: str, second: str, pairs: Sequence[tuple[Held, Held]]) -> Evidence:
    named = [
        f"{visible(one.name, limit=60)} {visible(one.version, limit=40)} / {visible(other.version, limit=40)}"
        for one, other in pairs[:_SHOWN]
    ]
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    commands = _and(f"`{tool_of(path).command}`" for path in (first, second))
    return Evidence(
        "DEP-014",
        pairs[0][0].where,
        f"{_and([first, second])} are two locks of one project and disagree: {'; '.join(named)}{more}. "
        "Which release is installed depends on the tool that is run",
        subject=f"locks:{first} {second}",
        remedy=f"Keep one of the two locks, or write both anew ({commands}) and commit them together.",
    )
