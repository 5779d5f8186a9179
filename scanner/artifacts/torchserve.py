"""TorchServe archives: the handler that serving runs, and what the manifest says.

Law: TorchServe's documentation, "Torch model archiver": a zip with ``MAR-INF/MANIFEST.json``, whose handler
is either a name of TorchServe's own or a Python file of the archive that is imported when a worker starts.
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.artifacts import jsontext, source
from scanner.errors import Malformed
from scanner.limits import Budget
from scanner.model import Event, Evidence, Subject, factors
from scanner.readers.zip import Archive, ZipMember
from scanner.text import visible

_MANIFEST = "MAR-INF/MANIFEST.json"
_OWN = frozenset({"image_classifier", "image_segmenter", "object_detector", "text_classifier"})
_SCRIPTS = 200  # files of Python of one archive
_TOLD = 50  # calls of one of them


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-012 for the Python that serving the archive runs and what it calls; facts of the manifest.

    Weights and other files are members like any other. Raises Malformed where there is no manifest.
    """
    archive = Archive(subject.source, Budget(subject.limits))
    members = [member for member in archive.members() if member.listing == "directory"]
    manifest = next((member for member in members if member.name == _MANIFEST), None)
    if manifest is None:
        raise Malformed("manifest", wanted=f"a member {_MANIFEST}")
    said = jsontext.load(archive.open(manifest), subject.limits)
    model = said.get("model") if isinstance(said, dict) else None
    if not isinstance(model, dict):
        raise Malformed("manifest", wanted="an object with a model")
    yield from _facts(said, model, members)
    handler = str(model.get("handler", "")).partition(":")[0]
    if handler not in _OWN:
        shown = visible(handler, limit=160) or "a handler that it does not name"
        message = f"serving this runs {shown}, Python that the archive brings"
        yield Evidence(
            "ART-012",
            subject.where,
            message,
            f"handler:{visible(handler, limit=160)}",
            factors(effect="weakens"),
        )
    scripts = [member for member in members if member.name.endswith(".py")]
    for member in scripts[:_SCRIPTS]:
        opened = archive.open(member)
        tree = source.parsed(opened.read_at(0, min(opened.size, subject.limits.project_bytes)))
        for path, does, line in list(source.dangerous(tree))[:_TOLD] if tree is not None else ():
            shown = visible(path, limit=160)
            message = f"Python that serving this runs calls {shown}, which {does}"
            measured = factors(trigger="on_use", exploitation="poc", evidence="indicated")
            yield Evidence(
                "ART-012", subject.where.inside(member.name).at(line=line), message, shown, measured
            )


def _facts(said: object, model: dict[str, object], members: list[ZipMember]) -> Iterator[Fact]:
    yield Fact(FactName.FRAMEWORK, "TorchServe")
    name, version = model.get("modelName"), model.get("modelVersion")
    if isinstance(name, str):
        yield Fact(FactName.ARCHITECTURE, visible(f"{name} {version or ''}".strip(), limit=160))
    writer = said.get("archiverVersion") if isinstance(said, dict) else None
    if isinstance(writer, str):
        yield Fact(FactName.PRODUCER, visible(f"torch-model-archiver {writer}", limit=80))
    if any(member.name.endswith("requirements.txt") for member in members):
        yield Fact(FactName.METADATA, "brings requirements.txt, which TorchServe can be told to install")
