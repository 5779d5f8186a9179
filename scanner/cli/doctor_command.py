"""``weighbridge doctor``: what works here, what is missing, and how to get it."""

import os
import platform
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer

from sbom.record import record
from scanner import __version__
from scanner.text import visible

_OK, _ADVICE, _BROKEN = "ok", "advice", "broken"
_TIMEOUT_S: Final = 10.0
_SCHEMA: Final = "urn:weighbridge:doctor:1"


@record
class Row:
    """One thing that was looked at: its state, what was found, and what to do where that is not well."""

    name: str
    state: str
    found: str
    remedy: str = ""


def doctor(
    form: Annotated[str, typer.Option("--format", "-f", help="text (default) or json.")] = "text",
    network: Annotated[
        bool,
        typer.Option("--network", help="Also try the servers that update, --live and --verify-index ask."),
    ] = False,
) -> None:
    """Say what works here: versions, settings, cache, advisories, git; what is missing and how to get it.

    Nothing is asked of a network without --network. Exit code 1 where something that a scan needs is broken.

    Examples: weighbridge doctor; weighbridge doctor --network --format json
    """
    from scanner.cli import output
    from scanner.errors import UsageError

    if form not in ("text", "json"):
        raise UsageError(f"--format: doctor writes text or json, not {form!r}")
    rows = [*_here(), *(_reached() if network else ())]
    output.show(_json(rows) if form == "json" else _text(rows))
    raise typer.Exit(1 if any(row.state == _BROKEN for row in rows) else 0)


def _here() -> Iterator[Row]:
    yield Row("weighbridge", _OK, __version__)
    yield Row("Python", _OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _packages()
    for name, look in (
        ("settings", _settings),
        ("cache", _cache),
        ("advisories", _advisories),
        ("git", _git),
    ):
        yield _looked(name, look)


def _looked(name: str, look: Callable[[], Row]) -> Row:
    from scanner.errors import ScanError

    try:
        return look()
    except (ScanError, OSError) as error:
        return Row(name, _BROKEN, visible(str(error), limit=400), "mend or remove what it names")


def _packages() -> Iterator[Row]:
    from importlib.metadata import PackageNotFoundError, distribution, requires

    from packaging.requirements import Requirement

    try:
        stated = requires("weighbridge") or []
    except PackageNotFoundError:
        yield Row("packages", _ADVICE, "run from a checkout, not installed", "pip install .")
        return
    for text in sorted(stated):
        wanted = Requirement(text)
        extra = next((each for each in ("schema",) if f'"{each}"' in str(wanted.marker)), "")
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = f"{wanted.name} (extra {extra})" if extra else wanted.name
        get = (
            f'pip install "weighbridge[{extra}]"'
            if extra
            else f'pip install "{wanted.name}{wanted.specifier}"'
        )
        try:
            version = distribution(wanted.name).version
        except PackageNotFoundError:
            yield Row(name, _ADVICE if extra else _BROKEN, "not installed", get)
            continue
        fits = wanted.specifier.contains(version, prereleases=True)
        found = version if fits else f"{version}, wanted {wanted.specifier}"
        yield Row(name, _OK if fits else _BROKEN, found, "" if fits else get)


def _settings() -> Row:
    from scanner.cli.settings import read_bounded, users_file
    from scanner.policy import config

    own = users_file()
    if not own.is_file():
        return Row("settings", _OK, f"none of your own: {visible(str(own), limit=400)} is not there")
    config.load_users(read_bounded(own), str(own))
    return Row("settings", _OK, f"your own are read from {visible(str(own), limit=400)}")


def _cache() -> Row:
    from scanner import cache

    folder = cache.directory()
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    said = visible(str(folder), limit=400)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Row(
            "cache", _BROKEN, f"{said} cannot be written", f"set {cache.ENVIRONMENT} to a folder that can"
        )
    return Row("cache", _OK, said if folder.exists() else f"{said} (made when it is first needed)")


def _advisories() -> Row:
    from scanner import advisories
    from scanner.advisories import sources
    from scanner.cli.settings import clock
    from scanner.policy import Policy

    with advisories.open_snapshot() as snapshot:
        rows = sources.consulted(snapshot, clock(), Policy().max_advisory_age_days)
    row = rows[0]
    if row.state == "absent":
        return Row(
            "advisories", _ADVICE, "no snapshot was imported: dependencies are not checked", sources.IMPORT
        )
    found = f"{row.records:,} records, as of {row.as_of[:10]}"
    if row.state == "stale":
        return Row("advisories", _ADVICE, f"{found}: old", "weighbridge advisories update")
    return Row("advisories", _OK, found)


def _git() -> Row:
    from scanner import git
    from scanner.errors import UsageError

    try:
        program, version = git.version()
    except UsageError as error:
        return Row("git", _ADVICE, str(error), "install git: scan --since and --staged ask it")
    return Row("git", _OK, f"{version} ({visible(program, limit=200)})")


def _reached() -> Iterator[Row]:
    from scanner import net
    from scanner.advisories.live import OSV, PYPI
    from scanner.advisories.update import URL
    from scanner.errors import ScanError

    with net.session() as opened:
        for url in (URL, OSV, PYPI):
            try:
                with net.told(url):
                    opened.head(url, timeout=_TIMEOUT_S, allow_redirects=False).close()
            except ScanError as error:
                remedy = "look at proxy and certificates (HTTPS_PROXY, SSL_CERT_FILE), or work from a file"
                yield Row(f"network: {url}", _ADVICE, visible(str(error), limit=300), remedy)
            else:
                yield Row(f"network: {url}", _OK, "answers")


def _text(rows: list[Row]) -> bytes:
    marks = {_OK: "ok    ", _ADVICE: "advice", _BROKEN: "BROKEN"}
    lines = []
    for row in rows:
        lines.append(f"{marks[row.state]}  {row.name}: {row.found}")
        if row.remedy:
            lines.append(f"        -> {row.remedy}")
    count = sum(row.state == _BROKEN for row in rows)
    lines.append(f"{count} broken" if count else "Everything that a scan needs is here.")
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _json(rows: list[Row]) -> bytes:
    import json

    found = [{"name": row.name, "state": row.state, "found": row.found, "remedy": row.remedy} for row in rows]
    return (json.dumps({"schema": _SCHEMA, "checks": found}, indent=2) + "\n").encode("ascii")
