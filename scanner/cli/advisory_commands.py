"""``weighbridge advisories``: the store of known advisories."""

from pathlib import Path
from typing import Annotated

import typer

from sbom.record import replace
from scanner.cli import progress
from scanner.cli.options import Config, File, Text, Texts
from scanner.errors import ConfigurationError, UsageError
from scanner.policy import Policy

app = typer.Typer(help="The store of known advisories.", no_args_is_help=True, rich_markup_mode=None)
_INCOMPLETE = 3


@app.command("update")
def advisories_update(
    ecosystems: Annotated[
        Texts,
        typer.Option(
            "--ecosystem",
            metavar="NAME",
            help="PyPI, npm, crates.io, Go, GitHub Actions … May repeat. Default: PyPI and those held.",
        ),
    ] = None,
    url: Annotated[
        Text, typer.Option("--url", metavar="URL", help="A mirror in OSV's layout (advisories.url).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take a dump that is older or smaller than the one in use.")
    ] = False,
    config: Config = None,
) -> None:
    """Fetch OSV's public dumps, or what changed since, and use them for every scan from now on.

    It sends nothing about what you scan. Exit code 3: something could not be had; what was there stays.

    Example: weighbridge advisories update --ecosystem PyPI --ecosystem npm
    """
    from scanner.advisories import refresh, status
    from scanner.cli.settings import clock, gather
    from scanner.text import visible

    gathered = gather(Path(), config=config)
    progress.begin()
    done = refresh(ecosystems or (), url or gathered.policy.advisories_url, force=force, tell=_tell)
    progress.end()
    for line in status(clock()):
        typer.echo(visible(line, limit=2000))
    for _, reason in done.failed:
        _tell(reason)
    raise typer.Exit(_INCOMPLETE if done.failed else 0)


def refreshed(policy: Policy, *, asked: bool) -> Policy:
    """The policy after an update, where ``asked`` or the configuration says so; with what went wrong noted.

    Raises UsageError where the command line asks for what cannot be.
    """
    if not asked and policy.refresh == "never":
        return policy
    if not policy.check_advisories or policy.advisories is not None:
        if asked:
            raise UsageError("--refresh: this scan does not use the store that would be updated")
        return policy
    if policy.pack.network_forbidden:
        said = f"the pack {', '.join(policy.pack.ids)} forbids the network"
        if asked:
            raise UsageError(f"--refresh: {said}")
        return _noted(policy, f"refresh = {policy.refresh}: {said}; the advisories are not updated")
    from scanner import advisories

    if not asked and not advisories.is_due():
        return policy
    progress.begin()
    try:
        done = advisories.refresh((), policy.advisories_url, tell=_tell)
    except ConfigurationError as error:
        return _noted(policy, _fallback(str(error)))
    return _noted(policy, *(_fallback(reason) for _, reason in done.failed))


def asking(policy: Policy, *, live: bool) -> Policy:
    """The policy of a scan that asks the services, too, where ``live``; what will be sent is said first.

    Raises UsageError where that cannot be, ConfigurationError where an address is none.
    """
    if not live:
        return policy
    if not policy.check_advisories:
        raise UsageError("--live: the advisory check is switched off")
    if policy.pack.network_forbidden:
        raise UsageError(f"--live: the pack {', '.join(policy.pack.ids)} forbids the network")
    from scanner import net
    from scanner.advisories import live as services

    where = services.addresses(services.Services(policy.live_pypi, policy.live_osv)).values()
    kept = f", but those that match private = {list(policy.private)}" if policy.private else ""
    _tell(
        f"--live asks {' and '.join(map(net.shown, where))}: sends name and public version of each pinned "
        f"package of the public registry{kept}"
    )
    return replace(policy, live=True)


def verifying(policy: Policy, *, asked: bool, mirror: str) -> Policy:
    """The policy of a scan that asks the package indexes where ``asked``; what will be sent is said first.

    Raises UsageError where that cannot be, ConfigurationError where ``mirror`` is no address.
    """
    if not asked:
        return policy
    if policy.pack.network_forbidden:
        raise UsageError(f"--verify-index: the pack {', '.join(policy.pack.ids)} forbids the network")
    from scanner import net
    from scanner.integrity import online

    main = ", ".join(map(net.shown, (online.pypi(mirror), *online.allowed(policy.ask_indexes))))
    kept = f", but those that match private = {list(policy.private)}" if policy.private else ""
    _tell(
        f"--verify-index asks {main}, and no other index that the scanned files name: sends the names of the "
        f"packages that it is to serve{kept}"
    )
    return replace(policy, verify_index=True, index_url=mirror)


def _fallback(reason: str) -> str:
    from scanner.advisories import status

    held = next(status(), "")
    return f"the advisories were not updated: {reason}. What is used: {held}"


def _noted(policy: Policy, *notices: str) -> Policy:
    return replace(policy, notices=(*policy.notices, *notices))


def _tell(text: str) -> None:
    progress.say(text)


@app.command("import")
def advisories_import(
    path: Annotated[
        File, typer.Argument(help="A zip or folder of OSV records, or an exported store.")
    ] = None,
    kev: Annotated[
        File,
        typer.Option("--kev", help="CISA's catalogue of known exploited vulnerabilities (JSON)."),
    ] = None,
    epss: Annotated[File, typer.Option("--epss", help="EPSS' list (CSV or CSV.gz).")] = None,
    ssvc: Annotated[
        File, typer.Option("--ssvc", help="A folder or zip of CVE records with CISA's SSVC decisions.")
    ] = None,
) -> None:
    """Import a snapshot of advisories and use it for every scan from now on. Needs no network.

    Without PATH the catalogues join the records that are in use.

    Examples: weighbridge advisories import osv-pypi.zip; weighbridge advisories import store.weighbridge;
    weighbridge advisories import --kev known_exploited_vulnerabilities.json
    """
    from scanner.advisories import import_snapshot

    if path is None and not (kev or epss or ssvc):
        raise UsageError("advisories import: name a source, --kev, --epss or --ssvc")
    for line in import_snapshot(path, kev, epss, ssvc):
        typer.echo(line)


@app.command("status")
def advisories_status() -> None:
    """Say which snapshot is in use, how many records it holds, how old it is. Exit code 3: there is none.

    Example: weighbridge advisories status || weighbridge advisories update
    """
    from scanner.advisories import open_snapshot, status

    for line in status():
        typer.echo(line)
    with open_snapshot() as snapshot:
        raise typer.Exit(0 if snapshot else 3)


@app.command("export")
def advisories_export(
    file: Annotated[Path, typer.Argument(help="Where to write, e.g. advisories.sqlite.")],
) -> None:
    """Write the store in use as one file, to be imported on another machine, and print its digest.

    Example: weighbridge advisories export advisories.sqlite
    """
    from scanner.advisories import export
    from scanner.text import visible

    typer.echo(f"sha256:{export(file)}  {visible(str(file), limit=400)}")


@app.command("show")
def advisories_show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Its id, or an alias such as a CVE.")],
) -> None:
    """Explain one record of the store: its names, whom it affects, since when it is mended.

    Example: weighbridge advisories show CVE-2022-45907
    """
    from scanner.advisories import explain

    for line in explain(identity):
        typer.echo(line)
