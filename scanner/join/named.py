"""Pure: the Python of a tree that something else than Python has run, and what names it.

A hub's configuration names classes in files beside it, a data set's script is called as its folder, MLflow
puts a folder before every package, spaCy looks functions up by registered names. Whatever cannot be read here
is told of by whoever reads it as what it is.
Laws: transformers' documentation, "Building custom models"; diffusers', "Load community pipelines";
sentence-transformers', "Custom models" (``modules.json``); datasets', "Create a dataset loading script";
MLflow's, "MLflow Models" (``code``, ``loader_module``, ``model_code_path``); spaCy's, "Training config";
Triton's Python backend, "Usage" (``model.py`` in a version's folder); SageMaker's, "Use PyTorch"
(``code/inference.py``);
smolagents', "Sharing your tools"
(``tool.py``, ``agent.json``); mmengine's, "Config" (a configuration in Python is run where it is read).
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from typing import Literal

from sbom.model import Location
from sbom.record import record
from scanner.code.local import is_dataset_script
from scanner.errors import LimitReached, Malformed
from scanner.manifests import jsontext
from scanner.readers import yaml

Text = Callable[[str], bytes | None]
Kind = Literal["hub", "dataset", "pipeline", "endpoint", "mlflow", "spacy", "settings", "agent"]

_CONFIGS = 2_000  # configurations that are read
_SCRIPTS = 2_000  # files of Python that are looked through for what they register
_CLASSES = 1_000  # of one configuration
_HUB = frozenset(
    {
        *("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json"),
        *("video_preprocessor_config.json", "generation_config.json", "adapter_config.json"),
    }
)
_OWN_TYPES = ("sentence_transformers.",)
_SECTION = re.compile(r"\s*\[([\w.*-]+)\]")
_SETTING = re.compile(r"""\s*(@[\w-]+|factory)\s*=\s*["']([^"'\n]{1,200})["']""")
_SAGEMAKER = re.compile(rb"^def (?:model|input|predict|output|transform)_fn\(", re.MULTILINE)
# A configuration of OpenMMLab's libraries: settings at the top of a module that is never imported.
_MMENGINE = re.compile(
    rb"^(?:_base_\s*=\s*[\[\"']|custom_imports\s*=\s*dict\()|^model\s*=\s*dict\(\s*type\s*=\s*[\"']",
    re.MULTILINE,
)
_FOREIGN = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


@record
class Named:
    """A file of Python that is run because ``where`` names it by ``key``.

    ``name`` as written there. ``file`` is empty where the tree has no such file; ``foreign`` is the
    repository that it comes from instead. ``folder`` is the folder whose load runs it.
    """

    where: Location
    key: str
    name: str
    file: str
    folder: str
    kind: Kind
    foreign: str = ""


def named(files: Collection[str], text: Text) -> Iterator[Named]:
    """Everything that configurations and layouts of the tree have run; ``text`` gives a file's bytes."""
    configs = 0
    registered: list[tuple[str, str, Location]] = []
    for path in sorted(files):
        name = path.rpartition("/")[2]
        if name.endswith(".py"):
            yield from _by_place(path, files, text)
            continue
        low = name.lower()
        wanted = low in _HUB or low in {"model_index.json", "modules.json", "mlmodel", "config.cfg"}
        if not wanted or configs >= _CONFIGS:
            continue
        configs += 1
        data = text(path)
        if data is None:
            continue
        if low == "mlmodel":
            yield from _mlflow(path, data, files)
        elif low == "config.cfg":
            registered += _spacy_names(path, data)
        else:
            yield from _hub(path, low, data, files)
    if registered:
        yield from _registering(registered, files, text)


def _inside(folder: str, *names: str) -> str:
    return posixpath.normpath(posixpath.join(folder, *names))


def _there(path: str, files: Collection[str]) -> str:
    return path if path in files else ""


# --- by where it lies --------------------------------------------------------------------------------------


def _by_place(path: str, files: Collection[str], text: Text) -> Iterator[Named]:
    """A file that a library runs for its name and place alone."""
    folder, _, name = path.rpartition("/")
    stem, own = name.removesuffix(".py"), folder.rpartition("/")[2]
    where = Location(path)
    if stem == own and is_dataset_script(text(path) or b""):
        yield Named(where, "the name of its folder", name, path, folder, "dataset")
    elif name == "pipeline.py" and _inside(folder, "model_index.json") in files:
        yield Named(
            Location(_inside(folder, "model_index.json")), "its place", name, path, folder, "pipeline"
        )
    elif not folder and is_dataset_script(text(path) or b""):
        yield Named(where, "its place in a repository", name, path, folder, "dataset")
    elif _is_served(name, own, folder, files) or (
        name == "inference.py" and own == "code" and _SAGEMAKER.search(text(path) or b"")
    ):
        yield Named(where, "its place", name, path, posixpath.dirname(folder), "endpoint")
    elif _is_tool(path, files, text):
        yield Named(where, "its place", name, path, folder, "agent")
    elif "config" in path.lower() and _MMENGINE.search(text(path) or b""):
        yield Named(where, "its form", name, path, folder, "settings")
    elif name == "generate.py" and own == "custom_generate":
        yield Named(where, "its place", name, path, folder.rpartition("/")[0], "hub")
    elif name == "handler.py" and b"EndpointHandler" in (text(path) or b""):
        yield Named(where, "its name", name, path, folder, "endpoint")


def _is_served(name: str, own: str, folder: str, files: Collection[str]) -> bool:
    """Whether Triton runs the file: the one in a version's folder, below the model's own settings."""
    return name == "model.py" and own.isdigit() and _inside(folder, "..", "config.pbtxt") in files


def _is_tool(path: str, files: Collection[str], text: Text) -> bool:
    """Whether smolagents runs the file: a tool's own repository, or the tools of an agent's folder."""
    folder, _, name = path.rpartition("/")
    if folder.rpartition("/")[2] == "tools" and _inside(folder, "..", "agent.json") in files:
        return True
    return name == "tool.py" and (
        _inside(folder, "tool_config.json") in files or b"smolagents" in (text(path) or b"")
    )


# --- configurations of a hub -------------------------------------------------------------------------------


def _hub(path: str, name: str, data: bytes, files: Collection[str]) -> Iterator[Named]:
    try:
        document, _, _ = jsontext.load(data)
    except (Malformed, LimitReached):
        return
    folder = path.rpartition("/")[0]
    where = Location(path)
    if name == "modules.json":
        yield from _sentence(document, where, folder, files)
        return
    if not isinstance(document, dict):
        return
    if name == "model_index.json":
        yield from _parts(document, where, folder, files)
        return
    for key in ("auto_map", "custom_pipelines"):
        for said in dict.fromkeys(_classes(document.get(key))):
            yield _class_of(said, key, where, folder, files)


def _classes(value: object) -> Iterator[str]:
    """Every class that a map names, in lists too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value[:_CLASSES] if isinstance(each, str))
    elif isinstance(value, dict):
        for each in list(value.values())[:_CLASSES]:
            if isinstance(each, str | list):
                yield from _classes(each)
            elif isinstance(each, dict) and isinstance(each.get("impl"), str):
                yield each["impl"]


def _class_of(said: str, key: str, where: Location, folder: str, files: Collection[str]) -> Named:
    owner, mark, rest = said.partition("--")
    if mark and _FOREIGN.fullmatch(owner):
        return Named(where, key, said, "", folder, "hub", owner)
    module = (rest if mark else said).rpartition(".")[0]
    file = _there(_inside(folder, f"{module.replace('.', '/')}.py"), files)
    return Named(where, key, said, file, folder, "hub")


def _parts(
    document: dict[str, object], where: Location, folder: str, files: Collection[str]
) -> Iterator[Named]:
    """Parts of a pipeline whose class stands in a file of the pipeline's own folder, not in a library."""
    for part, value in list(document.items())[:_CLASSES]:
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(one, str) for one in value):
            continue
        module, name = str(value[0]), str(value[1])
        tries = ("",) if part == "_class_name" else (part, "")
        for inside in tries:
            file = _inside(folder, inside, f"{module.replace('.', '/')}.py")
            if file in files:
                yield Named(where, part, f"{module}.{name}", file, folder, "hub")
                break


def _sentence(document: object, where: Location, folder: str, files: Collection[str]) -> Iterator[Named]:
    for row in document[:_CLASSES] if isinstance(document, list) else ():
        kind = row.get("type") if isinstance(row, dict) else None
        if not isinstance(kind, str) or kind.startswith(_OWN_TYPES) or "." not in kind:
            continue
        module = f"{kind.rpartition('.')[0].replace('.', '/')}.py"
        inside = row.get("path")
        tries = (folder, _inside(folder, inside) if isinstance(inside, str) else folder)
        file = next((one for each in tries if (one := _there(_inside(each, module), files))), "")
        if file:
            yield Named(where, "type", kind, file, folder, "hub")


# --- MLflow ------------------------------------------------------------------------------------------------


def _mlflow(path: str, data: bytes, files: Collection[str]) -> Iterator[Named]:
    try:
        documents, _ = yaml.load(data)
    except (Malformed, LimitReached):
        return
    folder = path.rpartition("/")[0]
    flavors = documents[0].get("flavors") if documents and documents[0].kind == "map" else None
    for _, flavor in flavors.entries() if flavors is not None and flavors.kind == "map" else ():
        said = {
            key: node
            for key in ("code", "loader_module", "model_code_path")
            if flavor.kind == "map" and (node := flavor.get(key)) is not None and node.kind == "scalar"
        }
        code = said.get("code")
        base = _inside(folder, code.text) if code is not None and code.text not in {"", "null", "~"} else ""
        for key, node in said.items():
            where = Location(path, line=node.line)
            if key == "code" and base:
                for file in sorted(
                    one for one in files if one.startswith(f"{base}/") and one.endswith(".py")
                ):
                    yield Named(where, key, node.text, file, folder, "mlflow")
            elif key == "model_code_path":
                file = _there(_inside(folder, node.text), files)
                yield Named(where, key, node.text, file, folder, "mlflow")
            elif key == "loader_module" and not node.text.startswith("mlflow."):
                module = f"{node.text.replace('.', '/')}.py"
                tries = (_inside(base or folder, module), _inside(folder, module), module)
                file = next((one for one in tries if one in files), "")
                yield Named(where, key, node.text, file, folder, "mlflow")


# --- spaCy -------------------------------------------------------------------------------------------------


def _spacy_names(path: str, data: bytes) -> Iterator[tuple[str, str, Location]]:
    """Registry and name of each function that a configuration of spaCy asks for."""
    rows = data.decode("utf-8", "replace").split("\n")
    if not any(row.strip() == "[nlp]" for row in rows):
        return
    section, count = "", 0
    for number, row in enumerate(rows, 1):
        found = _SECTION.match(row)
        if found is not None:
            section = found[1]
            continue
        said = _SETTING.match(row)
        if said is None or count >= _CLASSES:
            continue
        count += 1
        if said[1] == "factory" and not section.startswith("components."):
            continue
        yield said[1].lstrip("@"), said[2], Location(path, line=number)


def _registering(
    wanted: list[tuple[str, str, Location]], files: Collection[str], text: Text
) -> Iterator[Named]:
    """The files that register what the configurations ask for."""
    by_name: dict[str, list[tuple[str, Location]]] = {}
    for registry, name, where in wanted:
        by_name.setdefault(name, []).append((registry, where))
    scripts = [path for path in sorted(files) if path.endswith(".py")]
    for path in scripts[:_SCRIPTS]:
        data = text(path) or b""
        if b"registry" not in data and b"Language" not in data:
            continue
        for name, rows in by_name.items():
            said = re.escape(name.encode())
            if not re.search(rb"\(\s*(?:name\s*=\s*|[\"']\w+[\"'],\s*)?[\"']" + said + rb"[\"']", data):
                continue
            for registry, where in rows:
                folder = where.path.rpartition("/")[0]
                yield Named(where, registry, name, path, folder, "spacy")
