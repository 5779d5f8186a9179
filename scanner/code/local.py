"""What a call takes from a folder of the tree itself: the weights that it chooses, the programs that it runs.

Laws: transformers' and diffusers' documentation, "from_pretrained" (safetensors before a pickle; ``variant``,
``subfolder``, ``use_safetensors``, ``custom_pipeline``); datasets' documentation, "Create a dataset loading
script" (the script is called as its folder is).
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sbom.record import replace
from scanner.code.apis import Api
from scanner.code.arguments import argument_of
from scanner.code.danger import text_given
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.releases import Releases, before
from scanner.code.values import Const, Value
from scanner.model import Evidence, LoadSite, Reference, Resolved, factors
from scanner.text import visible

Row = LoadSite | Reference | Evidence
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")

_MAY = "; it may run code: "
_TOLD = 4  # files in one message
_FILES = 200  # shards of one model
# Stems of weights, and below the endings that say how they are stored.
_STEMS = (
    *("model", "pytorch_model", "adapter_model", "diffusion_pytorch_model", "pytorch_lora_weights"),
    *("openvino_model", "tf_model", "flax_model"),
)
_WEIGHTS = re.compile(
    rf"(?P<stem>{'|'.join(_STEMS)})(?P<variant>\.(?!safetensors|index)[\w-]+?)?(?:-\d{{1,6}}-of-\d{{1,6}})?"
    r"(?P<variant2>\.(?!safetensors)[\w-]+?)?\.(?P<kind>safetensors|bin|pt|h5|msgpack)"
)
_KINDS = ("safetensors", "bin", "pt", "h5", "msgpack")  # the best first
_PARTS = frozenset({"diffusers", "sentence-transformers"})  # keep the parts of a model in folders below
_WITHOUT = ("Tokenizer", "TokenizerFast", "Config", "Processor", "FeatureExtractor", "Scheduler")
_BUILDS = re.compile(rb"\b(?:(?:Generator|Arrow|Beam)Based|Dataset)Builder\b")


def is_dataset_script(data: bytes) -> bool:
    """Whether a module defines what builds a data set."""
    return b"datasets" in data and _BUILDS.search(data) is not None


def places(api: Api, call: Call, module: Module, program: Program) -> tuple[Resolved, ...]:
    """The files and folders of the tree that a call of the hub's libraries names instead of a repository."""
    value = argument_of(call, api.keywords, api.at)
    return tuple(_held(value, module, program)) if value is not None else ()


def _held(value: Value, module: Module, program: Program) -> Iterator[Resolved]:
    for each in program.settled(value, module):
        if not isinstance(each, Const) or not isinstance(each.value, str):
            continue
        path = program.place(each, module)
        if path is None and posixpath.normpath(each.value or ".") == "." and (each.value or each.rooted):
            path = "."
        if path is not None:
            yield Resolved("path", path, held=True, by_default=each.by_default)


def loads(api: Api, call: Call, module: Module, program: Program, releases: Releases) -> Iterator[Row]:
    """The files of the tree that a call takes, where it names a folder of the tree."""
    for place in places(api, call, module, program):
        if api.does == "dataset":
            yield from _dataset(api, call, place, module, program, releases)
            continue
        rows = list(_weights(api, call, place, module, program)) if api.does != "generate" else []
        if api.remote and _is_true(call, api.remote, module, program):
            because = f"{api.remote}=True runs the Python that lies beside it"
            rows = [*_program(api, call, place, module, program, because), *rows]
        yield from _at_once(rows, call)


def _at_once(rows: Iterable[Row], call: Call) -> Iterator[Row]:
    """The rows of one folder, their findings made one: the line has one thing to say of it, and to mend."""
    told: list[Evidence] = []
    for row in rows:
        if isinstance(row, Evidence):
            told.append(row)
        else:
            yield row
    if len(told) < 2:
        yield from told
        return
    api = f"{visible(call.dotted.lstrip('?.'))} loads "
    said = [f"{row.message.removeprefix(api).replace(_MAY, ' (', 1)})" for row in told[:_TOLD]]
    more = f" and {len(told) - _TOLD} more files" if len(told) > _TOLD else ""
    fixes = "; ".join(dict.fromkeys(row.remedy for row in told))
    # The first is the worst: a program before a pickle, and one that is certain before one that is likely.
    yield replace(told[0], message=f"{api}{', '.join(said)}{more}: they may run code", remedy=fixes)


def _is_true(call: Call, name: str, module: Module, program: Program) -> bool:
    value = argument_of(call, (name,), -1)
    return value is not None and any(
        isinstance(each, Const) and each.value is True for each in program.settled(value, module)
    )


def _is_false(call: Call, name: str, module: Module, program: Program) -> bool:
    value = argument_of(call, (name,), -1)
    return value is not None and any(
        isinstance(each, Const) and each.value is False for each in program.settled(value, module)
    )


def site(
    api: Api,
    call: Call,
    target: Resolved,
    module: Module,
    program: Program,
    kind: str,
    because: str,
    *,
    unsafe: bool | None,
    options: tuple[tuple[str, str], ...] = (),
) -> LoadSite:
    """One load of a file or folder of the tree."""
    reached = program.reached[module.path]
    return LoadSite(
        call.dotted,
        call.where,
        target,
        api.library,
        kind,
        options,
        unsafe=unsafe,
        function=call.function,
        reached_on_import=call.function in reached["import"] and not call.in_main,
        reached_when_run=call.function in reached["run"],
        because=because,
    )


def _evidence(call: Call, loaded: str, because: str, remedy: str, *, likely: bool = False) -> Evidence:
    api = visible(call.dotted.lstrip("?."))
    message = f"{api} loads {visible(loaded, limit=200)}{_MAY}{visible(because)}"
    measured = factors(ref=because[:200], evidence="heuristic") if likely else ()
    return Evidence("SRC-004", call.where, message, f"{api}:{loaded}", measured, remedy)


# --- programs ----------------------------------------------------------------------------------------------


def _program(
    api: Api, call: Call, place: Resolved, module: Module, program: Program, because: str
) -> Iterator[Row]:
    revision = text_given(call, ("code_revision",), -1, program, module)
    options = (("code_revision", revision),) if revision else ()
    yield site(api, call, place, module, program, "hub-code", because, unsafe=True, options=options)
    remedy = "read that Python as your own; drop trust_remote_code where the library has the class itself"
    yield _evidence(call, place.name, because, remedy)


def _dataset(
    api: Api, call: Call, place: Resolved, module: Module, program: Program, releases: Releases
) -> Iterator[Row]:
    """DAT-002 for a script of the tree that builds the data set, where the release that runs here runs it."""
    script = place.name
    if not script.endswith(".py"):  # a script at the root is called as nobody here can tell
        script = f"{place.name}/{posixpath.basename(place.name)}.py"
    if script not in program.files:
        return
    gone, said = before(releases, "datasets", "4.0")
    asked, _ = before(releases, "datasets", "2.20")
    trusted = _is_true(call, api.remote, module, program)
    unsafe: bool | None = True if trusted or asked else None
    because = "trust_remote_code=True is given" if trusted else f"{said}: before 2.20 scripts run unasked"
    if gone is False:
        unsafe, because = False, f"{said}: from 4.0 on no script is run"
    target = Resolved("path", script, held=True, by_default=place.by_default)
    yield site(api, call, target, module, program, "hub-code", because, unsafe=unsafe)
    if unsafe is False or (unsafe is None and not trusted):
        return
    message = f"{visible(call.dotted)} runs {visible(script, limit=200)} to build the data set ({because})"
    remedy = "write the data as Parquet, and load that: load_dataset('parquet', data_files=…)"
    measured = factors(ref="the script lies in this tree", origin="pinned")
    yield Evidence("DAT-002", call.where, message, f"hub:{script}", measured, remedy)


def pipelines(api: Api, call: Call, module: Module, program: Program) -> Iterator[Row]:
    """The pipeline that a call of diffusers names: of the tree, of the hub, or of the community."""
    value = dict(call.keywords).get("custom_pipeline") if api.library == "diffusers" else None
    if value is None:
        return
    for held in _held(value, module, program):
        path = held.name if held.name.endswith(".py") else f"{held.name}/pipeline.py"
        target = Resolved("path", path, path in program.files, held.by_default)
        because = "custom_pipeline= imports it"
        yield site(api, call, target, module, program, "hub-code", because, unsafe=True)
        yield _evidence(call, path, because, "read that Python as your own")
    for each in program.settled(value, module):
        text = each.value if isinstance(each, Const) else None
        if not isinstance(text, str) or not text or (isinstance(each, Const) and program.place(each, module)):
            continue
        yield from _elsewhere(call, text, module, program)


def _elsewhere(call: Call, name: str, module: Module, program: Program) -> Iterator[Row]:
    revision = text_given(call, ("custom_revision",), -1, program, module)
    shown = visible(name, limit=120)
    if name.endswith(".py") or name.startswith((".", "/", "~")):
        return
    if "/" in name:
        yield Reference("hub-model", name, call.where, revision, call.dotted)
        what = f"custom_pipeline runs pipeline.py of {shown}"
        remedy = "read it, and pin it: custom_revision='<commit>'; or copy it into this repository"
    else:
        file = f"https://github.com/huggingface/diffusers/blob/main/examples/community/{name}.py"
        yield Reference("url", file, call.where, "", call.dotted)
        what = f"custom_pipeline runs {shown}, a community pipeline of diffusers that is fetched"
        remedy = "copy the pipeline into this repository once it was read, and name it by its path"
    if _COMMIT.fullmatch(revision.lower()):
        yield Evidence("SRC-002", call.where, f"{what}, at commit {revision}", f"pipeline:{name}")
        return
    yield Evidence(
        "SRC-001", call.where, f"{what}, in whatever version there is", f"pipeline:{name}", (), remedy
    )


# --- weights -----------------------------------------------------------------------------------------------


def _weights(api: Api, call: Call, place: Resolved, module: Module, program: Program) -> Iterator[Row]:
    """The files that the call chooses in the folder: safetensors first, else what is a pickle."""
    owner = call.dotted.rpartition(".")[0]
    if call.dotted.endswith(".from_pretrained") and owner.endswith(_WITHOUT):
        return
    if place.name in program.files:
        return
    folder = posixpath.normpath(
        posixpath.join(place.name, text_given(call, ("subfolder",), -1, program, module))
    )
    variant = text_given(call, ("variant",), -1, program, module)
    ruled_out = _is_false(call, "use_safetensors", module, program)
    deep = api.library in _PARTS
    for path, kind in chosen(program.files, folder, variant, pickles=ruled_out, deep=deep):
        target = Resolved("path", path, held=True, by_default=place.by_default)
        pickled = kind in {"bin", "pt"}
        told = _is_false(call, "weights_only", module, program)
        unsafe = (True if told else None) if pickled else False
        because = "weights_only=False is given" if told else f"a .{kind} is a pickle"
        if not pickled:
            because = f"{kind} holds data alone"
        yield site(api, call, target, module, program, "pytorch" if pickled else kind, because, unsafe=unsafe)
        if unsafe is not False:
            method = call.dotted.rpartition(".")[2]
            remedy = f"store the weights as safetensors, then: {method}(…, use_safetensors=True)"
            yield _evidence(call, path, because, remedy, likely=not told)


def chosen(
    files: frozenset[str], folder: str, variant: str = "", *, pickles: bool = False, deep: bool = False
) -> tuple[tuple[str, str], ...]:
    """The files of weights that a library takes from a folder, and how each is stored.

    ``deep``: its parts lie in folders of their own, one below; of each folder the best kind is taken.
    ``pickles`` where safetensors are ruled out.
    """
    by_folder = _by_folder(files)
    base = "" if folder == "." else folder
    below = [one for one in by_folder if deep and one and one.rpartition("/")[0] == base]
    rows: list[tuple[str, str]] = []
    for inside in (base, *sorted(below)):
        kinds: dict[str, list[str]] = {}
        for name in by_folder.get(inside, ()):
            named = _WEIGHTS.fullmatch(name)
            said = (named["variant"] or named["variant2"] or "").lstrip(".") if named else ""
            if named is not None and said == variant and not (pickles and named["kind"] == "safetensors"):
                kinds.setdefault(named["kind"], []).append(f"{inside}/{name}" if inside else name)
        best = next((kind for kind in _KINDS if kind in kinds), "")
        rows += [(path, best) for path in sorted(kinds.get(best, ()))[:_FILES]]
    return tuple(rows)


@lru_cache(maxsize=2)
def _by_folder(files: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """The names of the files that may be weights, by their folder."""
    found: dict[str, list[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        if name.endswith(tuple(f".{kind}" for kind in _KINDS)):
            found.setdefault(folder, []).append(name)
    return {folder: tuple(names) for folder, names in found.items()}
