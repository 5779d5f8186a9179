"""Load sites, references and evidence of a tree's modules: who loads what, and what may come of it."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from sbom.record import replace
from scanner.code import buckets, flow, hub, inherited
from scanner.code.apis import Api, table
from scanner.code.arguments import argument_of
from scanner.code.collector import uncollected
from scanner.code.danger import danger
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.releases import Releases
from scanner.code.values import Const, Made
from scanner.model import CodeReading, Evidence, LoadSite, Reference, Resolved, Unresolved, factors
from scanner.text import visible

_WRITES = ("filename", "output", "dst", "out", "path", "local_path")
Row = LoadSite | Reference | Evidence


def _no_text(path: str) -> bytes | None:
    return None if path else b""


def findings(
    modules: Iterable[Module],
    files: Collection[str],
    releases: Releases,
    text: Callable[[str], bytes | None] = _no_text,
) -> CodeReading:
    """Everything that the code of a tree loads and names.

    ``files`` are the paths that the tree holds, ``text`` gives the bytes of one of them that the code names
    as its configuration.
    """
    with uncollected():  # all summaries are alive, and would be looked through each time
        return _findings(Program(modules, files, text), releases)


def _findings(program: Program, releases: Releases) -> CodeReading:
    sites: list[LoadSite] = []
    references: list[Reference] = []
    evidence: list[Evidence] = []
    for module in program.modules:
        for row in _of_module(module, program, releases):
            if isinstance(row, LoadSite):
                sites.append(row)
            elif isinstance(row, Reference):
                references.append(row)
            else:
                evidence.append(row)
    return CodeReading(
        tuple(dict.fromkeys(sorted(sites, key=lambda row: (row.where.order, row.api, str(row.target))))),
        tuple(dict.fromkeys(sorted(references, key=lambda row: (row.where.order, row.kind, row.name)))),
        tuple(dict.fromkeys(sorted(evidence, key=lambda row: (row.where.order, row.rule, row.subject)))),
        len(program.modules),
    )


def _of_module(module: Module, program: Program, releases: Releases) -> Iterator[Row]:
    fetched = _fetched(module, program)
    hashes = any(call.dotted.startswith("hashlib.") for call in module.calls)
    for call in module.calls:
        program.begin()
        yield from flow.unverified(call)
        yield from flow.tokens(call)
        api = table().find(call.dotted)
        if api is None and (dotted := inherited.method_of(call, module, program.names)):
            call, api = replace(call, dotted=dotted), table().find(dotted)  # noqa: PLW2901
        if api is None:
            continue
        if api.does in {"load", "fetch-load", "switch", "yaml-type"}:
            yield from _load(api, call, module, program, releases, fetched)
        if api.does in {"fetch", "fetch-load", "request"}:
            yield from flow.fetch(api, call, module, program, checked=hashes)
        elif api.does == "bucket":
            yield from buckets.fetched(api, call, module, program)
        elif api.does in {"execute", "import", "instantiate", "resolver"}:
            yield from flow.executed(api, call, module, program, fetched)
        elif api.does not in {"load", "switch", "yaml-type"}:
            yield from hub.references(api, call, module, program, releases)
    yield from flow.settings(module)


def _fetched(module: Module, program: Program) -> dict[str, str]:
    """The paths that the module itself fills from an address, with that address."""
    found: dict[str, str] = {}
    for call in module.calls:
        api = table().find(call.dotted)
        if api is not None and api.does == "bucket":
            for address in buckets.addresses(api, call, module, program):
                for path in program.targets(buckets.written(api, call), module):
                    if isinstance(path, Resolved):
                        found[path.name] = address
        if api is None or api.does != "fetch":
            continue
        place = argument_of(call, _WRITES, 1)
        for path in program.targets(place, module) if place is not None else ():
            for source in program.targets(argument_of(call, api.keywords, api.at), module):
                if isinstance(path, Resolved):
                    found[path.name] = source.name if isinstance(source, Resolved) else "an address"
    return found


def _load(
    api: Api, call: Call, module: Module, program: Program, releases: Releases, fetched: dict[str, str]
) -> Iterator[Row]:
    made = call.base if call.dotted.endswith("Unpickler.load") and isinstance(call.base, Made) else None
    if made is not None and table().find(made.dotted) is not None:
        return  # the call that made the unpickler names the file
    value = argument_of(call, api.keywords, -1 if api.keyword_only and not call.args else api.at)
    if made is not None:
        value = made.args[0] if made.args else None
    for found in program.targets(value, module):
        target = found
        if isinstance(target, Resolved) and target.kind == "path" and target.name in fetched:
            target = Resolved("url", fetched[target.name])
        judged = danger(api, call, target, program, module, releases)
        if api.does == "fetch-load" and isinstance(target, Unresolved) and judged.unsafe:
            target = Resolved("url", "an address that is computed")
        if api.does in {"switch", "yaml-type"} and judged.unsafe is not True:
            continue
        site = LoadSite(
            api=call.dotted,
            where=call.where,
            target=target,
            library=api.library,
            format=api.format,
            options=_options(call),
            unsafe=judged.unsafe,
            function=call.function,
            reached_on_import=call.function in program.reached[module.path]["import"] and not call.in_main,
            reached_when_run=call.function in program.reached[module.path]["run"],
            because=judged.because,
        )
        yield site
        if judged.unsafe is not False and api.danger not in {"graph", "package"}:
            yield _evidence(site, api)


def _options(call: Call) -> tuple[tuple[str, str], ...]:
    rows = [(name, str(value.value)[:200]) for name, value in call.keywords if isinstance(value, Const)]
    return tuple(sorted(rows))[:32]


_COMMIT = re.compile(r"@[0-9a-f]{40}\Z")
# Calls that load nothing themselves.
_SETS = {
    "switch": "lets every later load of this program run what it reads",
    "yaml-type": "makes a reader that runs what its files name",
}


def _evidence(site: LoadSite, row: Api) -> Evidence:
    """SRC-003 for what comes from outside, SRC-004 for what the tree holds, SRC-009 where that is not known.

    A default that only a release could tell is told as likely, not as certain.
    """
    target = site.target
    api = visible(site.api.lstrip("?."))
    subject = f"{api}:{target.name if isinstance(target, Resolved) else site.function}"
    fix = row.fix
    remedy = f"write {fix}" if fix and "(" in fix.split(" ", maxsplit=1)[0] else fix
    if isinstance(target, Resolved) and target.kind in {"url", "hub"}:
        rule, said = "SRC-003", f"{visible(target.name, limit=200)}, which comes from outside"
    elif row.does in _SETS:
        rule, said = "SRC-009", ""
    elif isinstance(target, Resolved) and target.held:
        rule, said = "SRC-004", visible(target.name, limit=200)
    elif isinstance(target, Resolved):
        rule, said = "SRC-009", f"{visible(target.name, limit=200)}, which the scanned tree does not hold"
    else:
        rule, said = "SRC-009", f"something that reading the code does not tell ({visible(target.reason)})"
    values: dict[str, str] = {}
    if rule == "SRC-003" and isinstance(target, Resolved) and _COMMIT.search(target.name):
        values["origin"] = "pinned"
    if rule == "SRC-003" and not site.unsafe:
        values["evidence"] = "heuristic"
    loads = f"loads {said}; it may run code: {visible(site.because)}"
    message = f"{api} {_SETS.get(row.does, loads)}"
    measured = factors("measured", site.because[:200], **values) if values else ()
    return Evidence(rule, site.where, message, subject, measured, remedy)
