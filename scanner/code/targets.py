"""What a line that builds objects from a configuration has called: its files, and the names in them.

Law: Hydra's documentation, "Instantiating objects with Hydra" (``_target_``); OmegaConf's "Custom resolvers".
"""

from collections.abc import Iterator, Sequence

from scanner.code import configuration
from scanner.code.apis import Api
from scanner.code.arguments import argument_of
from scanner.code.composition import Part, about
from scanner.code.composition import targets as named
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.values import Name, Value
from scanner.model import Evidence, LoadSite, Resolved
from scanner.text import visible

_SHOWN = 4  # names in one message
_FILES = 50  # of one line
_RUNS = frozenset(
    {"eval", "exec", "compile", "system", "popen", "getoutput", "check_output", "run", "import_module"}
)
_RUN_BY = frozenset({"builtins", "os", "subprocess", "importlib"})


def parts(value: Value, module: Module, program: Program) -> Iterator[Part]:
    """The files of the tree that the value was put together from, as close as its keys lead."""
    told: set[str] = set()
    for each in (value, *program.settled(value, module)):
        found = configuration.root_of(each)
        if found is None:
            continue
        for target in program.targets(found[0].args[0], module):
            if not isinstance(target, Resolved) or not target.held:
                continue
            for part in about(program.composed(target.name), found[1]):
                if part.path not in told and len(told) < _FILES:
                    told.add(part.path)
                    yield part


def site(api: Api, call: Call, part: Part, module: Module, program: Program) -> LoadSite:
    """The line as a load of one file of the configuration: what that names is called."""
    reached = program.reached[module.path]
    return LoadSite(
        call.dotted,
        call.where,
        Resolved("path", part.path, held=True),
        api.library,
        "configuration",
        unsafe=None,
        function=call.function,
        reached_on_import=call.function in reached["import"] and not call.in_main,
        reached_when_run=call.function in reached["run"],
        because="it calls what _target_ names",
    )


def told(files: Sequence[Part], module: Module, program: Program) -> str:
    """The first names in these files, each with the file of the tree that defines it."""
    rows: list[str] = []
    for part in files:
        for name in named(program.text(part.path) or b""):
            found = program.names.module_of(name, module.path)
            place = f" ({visible(found[0].path, limit=120)})" if found is not None and found[1] else ""
            row = f"{visible(name, limit=120)}{place}"
            if row not in rows:
                rows.append(row)
    if not rows:
        return ""
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f": {', '.join(rows[:_SHOWN])}{more}"


def resolver(api: Api, call: Call, module: Module, program: Program) -> Iterator[Evidence]:
    """SRC-010 for a resolver that runs what the configuration hands to it."""
    value = argument_of(call, api.keywords, api.at)
    for each in program.settled(value, module) if value is not None else ():
        if not isinstance(each, Name):
            continue
        owner, _, last = each.dotted.rpartition(".")
        if owner in _RUN_BY and last in _RUNS:
            shown = visible(each.dotted.removeprefix("builtins."), limit=80)
            message = f"a resolver hands text of the configuration to {shown}, which runs it"
            yield Evidence("SRC-010", call.where, message, f"resolver:{each.dotted}", (), api.fix)
