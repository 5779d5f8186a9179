"""TorchScript code and torch.package archives: what the Python inside them calls.

Law: PyTorch's documentation, "torch.jit.save" (the code of a module stands as Python source under ``code/``,
and calls operators as ``torch.name`` or ``ops.namespace.name``) and "torch.package" (``.data/extern_modules``
names the modules taken from the machine, everything else is source that importing the package runs).
"""

import re
from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.artifacts import source
from scanner.errors import Malformed, ScanError
from scanner.limits import Budget
from scanner.model import Derived, Event, Evidence, Source, Subject, factors
from scanner.readers.zip import Archive, ZipMember
from scanner.text import counted, visible

_OWN_OPS = frozenset(
    {
        "_caffe2", "aten", "fb", "image", "inductor", "internal", "metal", "metal_prepack", "mkldnn",
        "mkldnn_prepacked", "neon", "onednn", "prepacked", "prim", "prims", "profiler", "quantized",
        "quantized_decomposed", "rnn", "sparse", "static_runtime", "torchaudio", "torchvision", "vulkan",
        "vulkan_prepack", "xnnpack",
    }
)  # fmt: skip
_OP = re.compile(r"(?:torch\.)?ops\.(\w+)\.(\w+)")
_FILES = {
    "_load_parameters": "reads a file",
    "_save_parameters": "writes a file",
    "from_file": "maps a file into memory",
    "load": "reads a file",
    "load_library": "loads a native library",
    "read_file": "reads a file",
    "rpc_async": "calls another machine",
    "rpc_remote": "calls another machine",
    "rpc_sync": "calls another machine",
    "save": "writes a file",
    "write_file": "writes a file",
}
_TOLD = 50  # operators of one file
_CODE = 1_000  # files of source of one archive that are read


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-009 for operators that touch files or the network, ART-010 for those of a foreign library.

    Raises Malformed where the code is no Python.
    """
    data = subject.source.read_at(0, min(subject.source.size, subject.limits.text_bytes))
    tree = source.parsed(data)
    if tree is None:
        # Attributes may be named in ways that Python's grammar does not take: operators still show.
        yield from _by_text(data, subject)
        raise Malformed("code", wanted="TorchScript's Python")
    told: set[str] = set()
    for path, line, _ in source.calls(tree):
        yield from _operator(path, line, subject, told)


def _by_text(data: bytes, subject: Subject) -> Iterator[Event]:
    told: set[str] = set()
    text = data.decode("utf-8", "replace")
    for found in re.finditer(r"\b(?:torch\.|ops\.)[\w.]{1,200}(?=\()", text):
        yield from _operator(found[0], text.count("\n", 0, found.start()) + 1, subject, told)


def _operator(path: str, line: int, subject: Subject, told: set[str]) -> Iterator[Event]:
    namespace, name = "aten", path.removeprefix("torch.")
    found = _OP.fullmatch(path)
    if found:
        namespace, name = found[1], found[2]
    elif not path.startswith("torch.") or "." in name:
        return
    shown = visible(f"{namespace}::{name}", limit=160)
    if shown in told or len(told) >= _TOLD:
        return
    does = _FILES.get(name, "")
    where = subject.where.at(line=line)
    if does:
        told.add(shown)
        yield Evidence("ART-009", where, f"the model's code calls {shown}, which {does}", shown)
    elif namespace not in _OWN_OPS:
        told.add(shown)
        message = f"the operator {shown} comes from a native library that the loader has to be given"
        measured = factors(ref="operator of a foreign namespace", effect="weakens", evidence="indicated")
        yield Evidence("ART-010", where, message, shown, measured)


def code_of(archive: Archive, members: list[ZipMember], subject: Subject) -> Iterator[Derived]:
    """The source under ``code/`` of a TorchScript archive, to be read as such."""
    told = 0
    for member in members:
        inner = member.name.partition("/")[2]
        if inner.startswith("code/") and inner.endswith(".py") and told < _CODE:
            told += 1
            opened = archive.open(member)
            yield Derived("torchscript-code", b"", subject.where.inside(f"{member.name} (code)"), opened)


def inspect_package(subject: Subject) -> Iterator[Event]:
    """ART-012 for Python that importing a torch.package runs, with the calls in it that act; facts.

    Its pickles are members like any other. Raises Malformed where there is no list of external modules.
    """
    archive = Archive(subject.source, Budget(subject.limits))
    members = [member for member in archive.members() if member.listing == "directory"]
    data = {
        inner: member
        for member in members
        if (inner := member.name.partition("/")[2]).startswith(".data/") or "/.data/" in member.name
    }
    external = data.get(".data/extern_modules")
    if external is None:
        raise Malformed("extern-modules", wanted="a member */.data/extern_modules")
    yield Fact(FactName.FRAMEWORK, "torch.package")
    version = data.get(".data/python_version")
    if version is not None:
        yield Fact(FactName.METADATA, f"python={visible(_text(archive.open(version), subject), limit=40)}")
    outside = sorted(set(_text(archive.open(external), subject).split()))
    if outside:
        yield Fact(FactName.IMPORTS, visible(", ".join(outside), limit=2000))
    yield from _interned(archive, [member for member in members if member.name.endswith(".py")], subject)


def _interned(archive: Archive, members: list[ZipMember], subject: Subject) -> Iterator[Event]:
    problem: ScanError | None = None
    for member in members[:_CODE]:
        try:
            tree = source.parsed(_raw(archive.open(member), subject))
        except ScanError as error:
            problem = problem or error
            continue
        for path, does, line in list(source.dangerous(tree))[:_TOLD] if tree is not None else ():
            shown = visible(path, limit=160)
            message = (
                f"source in the package calls {shown}, which {does}: loading its objects imports that source"
            )
            measured = factors(trigger="on_use", exploitation="poc", evidence="indicated")
            where = subject.where.inside(member.name).at(line=line)
            yield Evidence("ART-012", where, message, shown, measured)
    if members:
        message = (
            f"holds {counted(len(members), 'file')} of Python, which loading its objects imports and runs"
        )
        yield Evidence("ART-012", subject.where, message, "torch.package", factors(effect="weakens"))
    if problem is not None:
        raise problem


def _raw(opened: Source, subject: Subject) -> bytes:
    return opened.read_at(0, min(opened.size, subject.limits.project_bytes))


def _text(opened: Source, subject: Subject) -> str:
    return _raw(opened, subject).decode("utf-8", "replace").strip()
