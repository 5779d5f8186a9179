"""TorchServe archives: the handler that serving runs, and what the manifest says.

Law: TorchServe's documentation, "Torch model archiver": a zip, or a tar in a gzip stream, with
``MAR-INF/MANIFEST.json``, whose handler is either a name of TorchServe's own or a Python file of the archive
that is imported when a worker starts. What ``requirementsFile`` lists, or ``requirements.txt``, is installed
where the server is told to (``install_py_dep_per_model``).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from sbom.model import Fact, FactName
from scanner.artifacts import installs, jsontext, source
from scanner.errors import Malformed
from scanner.limits import Budget
from scanner.model import Event, Evidence, Source, Subject, factors
from scanner.readers import tar
from scanner.readers import zip as zipped
from scanner.text import visible

MANIFEST = "MAR-INF/MANIFEST.json"
_OWN = frozenset({"image_classifier", "image_segmenter", "object_detector", "text_classifier"})
_GZIP = b"\x1f\x8b"
_TAR_MARK_AT = 257
_SCRIPTS = 200  # files of Python of one archive
_TOLD = 50  # calls of one of them


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-012 for the Python that serving the archive runs and what it calls; ART-023 for what it installs;
    facts of the manifest.

    Weights and other files are members like any other. Raises Malformed where there is no manifest.
    """
    if subject.source.read_at(0, 2) == _GZIP:
        return  # the row of what it is packed with gives the tar inside, which is read here in its turn
    files = _files(subject)
    if MANIFEST not in files:
        raise Malformed("manifest", wanted=f"a member {MANIFEST}")
    said = jsontext.load(files[MANIFEST](), subject.limits)
    model = said.get("model") if isinstance(said, dict) else None
    if not isinstance(model, dict):
        raise Malformed("manifest", wanted="an object with a model")
    yield from _facts(said, model, files)
    handler = str(model.get("handler", "")).partition(":")[0]
    yield from _installed(subject, str(model.get("requirementsFile") or ""), files)
    if handler not in _OWN and _leaves(handler):
        shown = visible(handler, limit=160)
        message = f"serving this runs {shown}, Python from outside of the archive"
        measured = factors(ref="handler", trigger="on_use", exploitation="poc")
        yield Evidence("ART-012", subject.where, message, f"handler:{shown}", measured)
    elif handler not in _OWN:
        shown = visible(handler, limit=160) or "a handler that it does not name"
        message = f"serving this runs {shown}, Python that the archive brings"
        yield Evidence(
            "ART-012",
            subject.where,
            message,
            f"handler:{visible(handler, limit=160)}",
            factors(effect="weakens"),
        )
    scripts = [name for name in files if name.endswith(".py")]
    for name in scripts[:_SCRIPTS]:
        opened = files[name]()
        tree = source.parsed(opened.read_at(0, min(opened.size, subject.limits.project_bytes)))
        for path, does, line in list(source.dangerous(tree))[:_TOLD] if tree is not None else ():
            shown = visible(path, limit=160)
            message = f"Python that serving this runs calls {shown}, which {does}"
            measured = factors(trigger="on_use", exploitation="poc", evidence="indicated")
            yield Evidence("ART-012", subject.where.inside(name).at(line=line), message, shown, measured)


def _leaves(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return ".." in parts or path.startswith(("/", "\\", "~")) or ":" in parts[0]


def _installed(subject: Subject, named: str, files: dict[str, Callable[[], Source]]) -> Iterator[Evidence]:
    """The lines of its requirements that install from elsewhere than the known index."""
    wanted = named.rpartition("/")[2] or "requirements.txt"
    for name, opens in files.items():
        if name.rpartition("/")[2] != wanted:
            continue
        opened = opens()
        text = opened.read_at(0, min(opened.size, subject.limits.project_bytes)).decode("utf-8", "replace")
        for line in installs.foreign(text.splitlines()):
            measured = factors(ref=name, effect="partial")
            does = "a server that installs what a model asks for installs"
            yield installs.evidence(line, name, does, subject.where.inside(name), measured)


def _files(subject: Subject) -> dict[str, Callable[[], Source]]:
    """The files of the archive by name, each to be opened."""
    budget = Budget(subject.limits)
    if subject.source.read_at(_TAR_MARK_AT, 5) == b"ustar":
        packed = tar.Archive(subject.source, budget)
        held = [member for member in packed.members() if member.kind == "file"]
        return {member.name.removeprefix("./"): partial(packed.open, member) for member in held}
    archive = zipped.Archive(subject.source, budget)
    listed = [member for member in archive.members() if member.listing == "directory"]
    return {member.name: partial(archive.open, member) for member in listed}


def _facts(said: object, model: dict[str, object], names: Iterable[str]) -> Iterator[Fact]:
    yield Fact(FactName.FRAMEWORK, "TorchServe")
    name, version = model.get("modelName"), model.get("modelVersion")
    if isinstance(name, str):
        yield Fact(FactName.ARCHITECTURE, visible(f"{name} {version or ''}".strip(), limit=160))
    writer = said.get("archiverVersion") if isinstance(said, dict) else None
    if isinstance(writer, str):
        yield Fact(FactName.PRODUCER, visible(f"torch-model-archiver {writer}", limit=80))
    if any(name.endswith("requirements.txt") for name in names):
        yield Fact(FactName.METADATA, "brings requirements.txt, which TorchServe can be told to install")
