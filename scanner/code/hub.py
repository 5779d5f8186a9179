"""References to hubs: which model or data set, at which revision, and whether its own code is run."""

import re
from collections.abc import Iterator

from scanner.code import legacy, local
from scanner.code.apis import Api
from scanner.code.arguments import argument_of
from scanner.code.danger import text_given
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.releases import Releases, before
from scanner.code.values import Const, Made, Value, alternatives, text_of
from scanner.model import Evidence, LoadSite, Reference, ReferenceKind, Resolved, Unresolved, factors
from scanner.patterns import pattern
from scanner.text import visible

_NAME = pattern(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?", re.ASCII)
_FILE = pattern(r"\.(?:pt|pth|bin|ckpt|safetensors|gguf|onnx|h5|keras|pkl|json|yaml|yml|zip|tar|gz)\Z")
_COMMIT = pattern(r"[0-9a-f]{40}\Z")
# Builders that read the user's own files; they are no data set of the hub.
_BUILDERS = frozenset(
    {
        "csv",
        "json",
        "parquet",
        "text",
        "arrow",
        "pandas",
        "sql",
        "spark",
        "xml",
        "generator",
        "webdataset",
        "imagefolder",
        "audiofolder",
        "videofolder",
        "pdffolder",
        "lance",
        "hdf5",
        "nifti",
        "cache",
    }
)
Row = LoadSite | Reference | Evidence


def references(api: Api, call: Call, module: Module, program: Program, releases: Releases) -> Iterator[Row]:
    """The reference of a call with what it leaves open."""
    if api.does == "torchhub":
        yield from _torchhub(api, call, module, program)
        return
    if api.does == "nltk":
        name = text_given(call, api.keywords, api.at, program, module)
        if name and api.format == "nltk":
            yield Reference("nltk", name, call.where, api=call.dotted)
        return
    names = tuple(_names(api, call, module, program))
    if api.does in {"timm", "evaluate", "space"}:
        for name in names:
            kind, bare = _light(api, name)
            if bare:
                yield Reference(kind, bare, call.where, api=call.dotted)
        return
    yield from local.loads(api, call, module, program, releases)
    yield from local.pipelines(api, call, module, program)
    if not names and local.places(api, call, module, program):
        return  # all of it lies in this tree
    remote = tuple(_remote_code(api, call, names, module, program, releases))
    yield from remote
    told = any(isinstance(row, Evidence) for row in remote)  # its remedy pins the revision, too
    if call.dotted.endswith(".pipeline") and argument_of(call, api.keywords, api.at) is None:
        yield from _default_model(call)
    for name in names:
        revision = _revision(api, call, program, module)
        kind = _kind(api, call, program, module)
        owned = legacy.may_be_of_the_hub(name, api) if kind == "hub-model" else not legacy.is_folder(name)
        if not owned:
            if revision is not None and not api.quiet and not told:
                yield _no_owner(call, name, kind)
            continue
        yield Reference(kind, name, call.where, revision or "", call.dotted)
        if revision is not None and not api.quiet and not told:
            yield from _open_revision(call, name, revision, kind)


def _default_model(call: Call) -> Iterator[Evidence]:
    """SRC-005 for a pipeline that names only its task: the library chooses the model and its version."""
    task = text_of(argument_of(call, ("task",), 0))
    if task is not None and not any(name == "**" for name, _ in call.keywords):
        message = (
            f"the pipeline for {visible(task, limit=80)} takes whatever model the library's release chooses"
        )
        remedy = "name the model and its commit: pipeline(…, model='owner/name', revision='<commit>')"
        yield Evidence("SRC-005", call.where, message, f"task:{task}", (), remedy)


def _names(api: Api, call: Call, module: Module, program: Program) -> Iterator[str]:
    """The names of the hub that the first argument may be; a path of the tree is none."""
    value = argument_of(call, api.keywords, api.at)
    if value is None:
        return
    for each in program.settled(value, module):
        text = text_of(each)
        if text is None or not isinstance(each, Const) or each.rooted:
            continue
        if api.does == "dataset" and text in _BUILDERS:
            continue
        if text.startswith(("hf://", "https://huggingface.co/")):
            text = (
                text.removeprefix("hf://").removeprefix("https://huggingface.co/").removeprefix("datasets/")
            )
            text = "/".join(text.split("/")[:2])
        named = _NAME.fullmatch(text) and not text.startswith(".") and not _FILE.search(text)
        if named and program.place(each, module) is None:
            yield text


def _kind(api: Api, call: Call, program: Program, module: Module) -> ReferenceKind:
    said = text_given(call, ("repo_type",), -1, program, module)
    if api.does == "dataset" or said == "dataset":
        return "hub-dataset"
    return "hub-space" if said == "space" else "hub-model"


def _light(api: Api, name: str) -> tuple[ReferenceKind, str]:
    if api.does == "timm":
        for prefix in ("hf_hub:", "hf-hub:"):
            if name.startswith(prefix):
                return "hub-model", name.removeprefix(prefix)
        return "hub-model", ""
    return "hub-space", name if "/" in name else ""


def _revision(api: Api, call: Call, program: Program, module: Module) -> str | None:
    """The revision as written, empty where none is given, None where nobody can tell."""
    if not api.revision:
        return None
    value = argument_of(call, (api.revision, "code_revision"), -1)
    if value is None:
        return None if any(name == "**" for name, _ in call.keywords) else ""
    rows = program.settled(value, module)
    if any(isinstance(each, Const) and each.value is None for each in rows):
        return ""
    return text_of(rows[0]) if len(rows) == 1 else None


def _open_revision(call: Call, name: str, revision: str, kind: str) -> Iterator[Evidence]:
    """SRC-005 or DAT-001 for a name without a commit; a tag or branch of one's own choice weighs less."""
    if _COMMIT.fullmatch(revision.lower()):
        return
    rule = "DAT-001" if kind == "hub-dataset" else "SRC-005"
    method = call.dotted.rpartition(".")[2]
    shown = visible(name, limit=200)
    remedy = f"add revision='<commit>' to {method}(…), with the commit of {shown} that you looked at"
    if revision in {"", "main", "master", "HEAD"}:
        said = f"revision {revision} moves" if revision else "no revision is given"
        message = f"{shown} is taken from the hub as it is on the day: {said}"
        yield Evidence(rule, call.where, message, f"hub:{name}", (), remedy)
        return
    message = f"{shown} is taken from the hub at {visible(revision, limit=80)}, which its owner can move"
    measured = factors(ref="the revision is a tag, a branch or a part of a commit", evidence="heuristic")
    yield Evidence(rule, call.where, message, f"hub:{name}", measured, remedy)


def _no_owner(call: Call, name: str, kind: ReferenceKind) -> Evidence:
    """A guess for what the hub most likely has not: a folder of the day, or somebody else's model."""
    shown = visible(name, limit=200)
    message = f"{shown} names no owner, as no model of the hub does today; whatever bears that name is taken"
    if "/" in name:
        message = f"{shown} reads like a path, and is not in this tree; where it is missing, the hub is asked"
    measured = factors(ref="a folder, or a name that is not of the hub", evidence="heuristic")
    rule = "DAT-001" if kind == "hub-dataset" else "SRC-005"
    remedy = f"write the path of the folder (./{shown}), or owner/name with revision='<commit>'"
    return Evidence(rule, call.where, message, f"hub:{name}", measured, remedy)


def _remote_code(
    api: Api, call: Call, names: tuple[str, ...], module: Module, program: Program, releases: Releases
) -> Iterator[Row]:
    """SRC-001, SRC-002 and DAT-002: the program that comes with a model or a data set is run."""
    value = argument_of(call, (api.remote,), -1) if api.remote else None
    if value is None or not _may_be_true(value, program, module):
        return
    revision = _revision(api, call, program, module)
    shown = ", ".join(visible(name, limit=120) for name in names) or "a model that the code does not name"
    pinned = revision is not None and _COMMIT.fullmatch(revision.lower()) is not None
    for name in names or ("",):
        target = Resolved("hub", f"{name}@{revision}" if revision else name) if name else None
        yield LoadSite(
            call.dotted,
            call.where,
            target or Unresolved("the name is not written in the code"),
            api.library,
            "hub-code",
            ((api.remote, "True"),),
            unsafe=True,
            function=call.function,
            reached_on_import=call.function in program.reached[module.path]["import"] and not call.in_main,
            reached_when_run=call.function in program.reached[module.path]["run"],
            because=f"{api.remote}=True runs the program that comes with it",
        )
    if api.does == "dataset":
        old, said = before(releases, "datasets", "4.0")
        if old is False:
            return  # from 4.0 on, datasets runs no scripts
        measured = factors(ref=said, evidence="heuristic") if old is None else ()
        message = f"trust_remote_code=True runs the script of {shown} ({said}; from 4.0 on none is run)"
        yield Evidence(
            "DAT-002",
            call.where,
            message,
            f"hub:{shown}",
            measured,
            "take the Parquet form, without trust_remote_code",
        )
        return
    what = f"{call.dotted.lstrip('?.')} runs the program that comes with {shown}"
    if pinned:
        yield Evidence("SRC-002", call.where, f"{what}, at commit {revision}", f"hub:{shown}")
        return
    remedy = (
        "read the model's code, then pin it: revision='<commit>', code_revision='<commit>'; "
        "or drop trust_remote_code"
    )
    yield Evidence("SRC-001", call.where, f"{what}, in whatever version there is", f"hub:{shown}", (), remedy)


def _may_be_true(value: Value, program: Program, module: Module) -> bool:
    """Whether the code switches it on; what a function decides counts where it can say nothing else."""
    for each in alternatives(value):
        found = [isinstance(row, Const) and row.value is True for row in program.settled(each, module)]
        if all(found) if isinstance(each, Made) else any(found):
            return True
    return False


def _torchhub(api: Api, call: Call, module: Module, program: Program) -> Iterator[Row]:
    source = text_given(call, ("source",), 99, program, module)
    if source == "local":
        return
    name = text_given(call, api.keywords, api.at, program, module)
    repository, _, ref = name.partition(":")
    if not name or "/" not in repository:
        return
    yield Reference("torchhub", repository, call.where, ref, call.dotted)
    shown = visible(repository, limit=120)
    if _COMMIT.fullmatch(ref.lower()):
        message = f"torch.hub.load runs hubconf.py of {shown} at commit {ref}"
        yield Evidence("SRC-002", call.where, message, f"torchhub:{repository}")
        return
    at = f"at {visible(ref, limit=80)}, which can be moved" if ref else "as it is on the day"
    message = f"torch.hub.load fetches {shown} {at} and runs its hubconf.py"
    yield Evidence("SRC-001", call.where, message, f"torchhub:{repository}", (), api.fix)
