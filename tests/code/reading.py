"""Reads a small tree of Python, as the scan does, from texts by path."""

from collections.abc import Iterable, Mapping

from scanner.code import findings, read
from scanner.code.releases import Allowed
from scanner.limits import Limits
from scanner.model import CodeReading, LoadSite, Resolved


def reading(
    files: Mapping[str, str | bytes], *, held: Iterable[str] = (), locked: Mapping[str, str] | None = None
) -> CodeReading:
    """What the files load and name; ``held`` are further paths, ``locked`` releases by package."""
    data = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    code = [path for path in files if path.endswith((".py", ".ipynb"))]
    own = read.own(code)
    modules = []
    for path in code:
        done = read.file(data[path], path, own, Limits())
        assert done.error is None, f"{path}: {done.error}"
        modules.append(done.module)
    releases = {name: Allowed(frozenset({version})) for name, version in (locked or {}).items()}
    return findings.findings(modules, {*files, *held}, releases, data.get)


def sites(text: str, **options: object) -> tuple[LoadSite, ...]:
    """The load sites of one file."""
    return reading({"main.py": text}, **options).sites  # type: ignore[arg-type]


def rules(text: str, **options: object) -> list[str]:
    """The rules that hold in one file, sorted."""
    found = reading({"main.py": text}, **options)  # type: ignore[arg-type]
    return sorted({row.rule for row in found.evidence})


def target(text: str, **options: object) -> str:
    """The name of what the only load site of a file is of; ``?`` and the reason where unknown."""
    (site,) = sites(text, **options)
    return site.target.name if isinstance(site.target, Resolved) else f"?{site.target.reason}"
