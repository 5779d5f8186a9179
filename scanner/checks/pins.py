"""Whether what is installed tomorrow is what was installed today: pins, locks, hashes.

One piece of evidence a file, not a line: forty unpinned lines are one thing to do.
"""

from collections.abc import Iterable, Iterator, Sequence

from sbom.model import Component
from sbom.purl import normalise_name
from sbom.record import field, mutable
from scanner.checks import agents
from scanner.model import Declaration, Evidence, OriginKind, Stock
from scanner.patterns import pattern
from scanner.text import visible

BUILD_GROUP = "build-system"
_WEAK = frozenset({"md5", "sha1"})
_AROUND = frozenset(  # no lock of a project's settles these
    {"oci", "githubactions", "apt", "huggingface", "bentoml", "helm", "mcp"}
)
_SHOWN = 8  # names in one message
_CONDA_FILE = pattern(r"(?:environment.*|env|conda.*|.*[-_]environment)\.ya?ml")


@mutable
class _File:
    """The index requirements of one manifest, by what holds them."""

    path: str
    unpinned: list[Declaration] = field(default_factory=list)
    bare: list[Declaration] = field(default_factory=list)  # exact, without a hash
    hashed: list[Declaration] = field(default_factory=list)
    weak: list[Declaration] = field(default_factory=list)
    built: list[Declaration] = field(default_factory=list)
    covered: int = 0  # settled by a lock that has hashes
    locked: bool = False


def check(stock: Stock) -> Iterator[Evidence]:
    """DEP-001, DEP-002, DEP-007 and HSH-003, at most one of each a file."""
    strict = {mode.where.path for mode in stock.modes if mode.require_hashes}
    for file in _files(stock):
        if file.unpinned:
            yield _unpinned(file)
        loose = (*file.bare, *file.unpinned)
        if loose and not file.locked and (file.hashed or file.path in strict):
            yield _mixed(file, loose)
        elif file.bare:
            yield _without_hashes(file)
        if file.weak:
            yield _weak(file)
        if file.built:
            yield _built(file)


def _files(stock: Stock) -> list[_File]:
    """Each manifest with what it asks of an index, constraints and build requirements apart."""
    files: dict[str, _File] = {}
    for component in stock.inventory.components:
        rows = stock.declarations.get(component.ref, ())
        hashed = any(row.hashes for row in rows)
        for row in rows:
            if row.ecosystem in _AROUND or row.group == BUILD_GROUP:
                continue
            if row.constraint or row.installed or not _from_index(row) or agents.is_loose(row):
                continue
            file = files.setdefault(row.where.path, _File(row.where.path))
            _sort_in(file, row, component, hashed=hashed)
    return [files[path] for path in sorted(files)]


def _sort_in(file: _File, row: Declaration, component: Component, *, hashed: bool) -> None:
    file.locked |= row.locked
    if row.sdist_only:
        file.built.append(row)
    if row.hashes:
        file.hashed.append(row)
        if all(digest.algorithm in _WEAK for digest in row.hashes):
            file.weak.append(row)
    elif row.version or row.locked:
        if hashed:
            file.covered += 1
        else:
            file.bare.append(row)
    elif not component.version and not component.origin:
        file.unpinned.append(row)


def _from_index(row: Declaration) -> bool:
    return row.origin is None or row.origin.kind is OriginKind.INDEX


def names(rows: Iterable[Declaration]) -> str:
    """The names of these declarations for a message: the first few, and how many more."""
    known = sorted({normalise_name(row.name) if row.ecosystem == "pypi" else row.name for row in rows})
    shown = ", ".join(visible(name, limit=60) for name in known[:_SHOWN])
    return f"{shown} and {len(known) - _SHOWN} more" if len(known) > _SHOWN else shown


def _first(rows: Sequence[Declaration]) -> Declaration:
    return min(rows, key=lambda row: row.where.order)


def _count(rows: Sequence[Declaration], one: str, several: str) -> str:
    return f"1 {one}" if len(rows) == 1 else f"{len(rows)} {several}"


_LOCKED_BY = (
    (
        "package.json",
        "Run `npm install --package-lock-only` beside it, commit the lock and install with `npm ci`.",
    ),
    ("Cargo.toml", "Run `cargo generate-lockfile`, commit Cargo.lock and build with `--locked`."),
    ("go.mod", "Run `go mod tidy` and commit go.sum."),
)


def _lock_command(path: str) -> str:
    shown = visible(path, limit=200)
    for ending, command in _LOCKED_BY:
        if path.endswith(ending):
            return command
    if path.endswith("pyproject.toml"):
        return "Run `uv lock` beside this file and commit uv.lock, or pin each name with ==."
    if _CONDA_FILE.fullmatch(path.rpartition("/")[2].lower()):
        return f"Run `conda-lock -f {shown}`, commit conda-lock.yml and install the environment from that."
    if not path.endswith((".txt", ".in")):
        return (
            "Put the names into a requirements file, lock it (`uv pip compile --generate-hashes`) and "
            "install from that here: `pip install --require-hashes -r requirements.lock.txt`."
        )
    stem = shown.rpartition(".")[0] or shown
    return (
        f"Run `uv pip compile --generate-hashes {shown} -o {stem}.lock.txt` (or pip-compile), "
        "commit the result and install from it with `pip install --require-hashes -r`."
    )


def _unpinned(file: _File) -> Evidence:
    count = _count(file.unpinned, "requirement has", "requirements have")
    return Evidence(
        "DEP-001",
        _first(file.unpinned).where,
        f"{count} neither an exact version nor a lock: {names(file.unpinned)}. "
        "Each install takes whatever release is newest that day",
        subject=file.path,
        remedy=_lock_command(file.path),
    )


def _mixed(file: _File, rows: Sequence[Declaration]) -> Evidence:
    return Evidence(
        "DEP-002",
        _first(rows).where,
        f"Hashes are asked for in this file, and {_count(rows, 'requirement has', 'requirements have')} no "
        f"pin with a hash: {names(rows)}. pip refuses to install from it",
        subject=file.path,
        remedy=_lock_command(file.path),
    )


def _without_hashes(file: _File) -> Evidence:
    what = "locked package has" if file.locked else "pinned requirement has"
    several = "locked packages have" if file.locked else "pinned requirements have"
    return Evidence(
        "DEP-002",
        _first(file.bare).where,
        f"{_count(file.bare, what, several)} no hash: {names(file.bare)}. "
        "A release that is replaced on the index, or served by another, is installed unnoticed",
        subject=file.path,
        remedy="Run `go mod tidy` and commit go.sum."
        if file.path.endswith("go.mod")
        else "Lock again from an index that states hashes."
        if file.locked
        else _lock_command(file.path),
    )


def _stronger(file: _File) -> str:
    if file.path.lower().endswith((".txt", ".lock")) and any(
        row.origin is not None and "conda" in row.origin.url for row in file.weak
    ):
        return "Write the list anew with SHA-256: `conda list --explicit --sha256`."
    if file.locked:
        return "Lock again with a current version of the tool, which states SHA-256 or SHA-512."
    return "Add --hash=sha256:… for each file; pip takes no weaker algorithm in a requirements file."


def _weak(file: _File) -> Evidence:
    return Evidence(
        "HSH-003",
        _first(file.weak).where,
        f"MD5 or SHA-1 is all that ties {_count(file.weak, 'package', 'packages')} to its bytes: "
        f"{names(file.weak)}",
        subject=file.path,
        remedy=_stronger(file),
    )


def _built(file: _File) -> Evidence:
    count = _count(file.built, "locked package comes", "locked packages come")
    return Evidence(
        "DEP-007",
        _first(file.built).where,
        f"{count} as source only: {names(file.built)}. Its build runs the package's own code on the machine "
        "that installs it",
        subject=file.path,
        remedy="Prefer a release with a wheel, or build one in a sandbox and lock that "
        "(uv: --no-build; pip: --only-binary :all:).",
    )
