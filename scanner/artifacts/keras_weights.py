"""Whether a Keras archive's configuration and its weights speak of the same layers.

Law: ``keras.saving.saving_lib``: the variables of a layer stand in ``layers/KEY/vars``, where KEY is the
class of the layer in snake case, and from the second one of a class on, its number; Keras 2 wrote
``_layer_checkpoint_dependencies`` for ``layers``. A model inside of a model is a layer with layers.
"""

import re
from collections import Counter
from collections.abc import Iterator

from sbom.record import record
from scanner.errors import ScanError
from scanner.model import Evidence, Source, Subject, factors
from scanner.readers.hdf5 import Dataset, walk
from scanner.text import visible

_FOLDERS = ("layers", "_layer_checkpoint_dependencies")
_MODELS = frozenset({"Functional", "Model", "Sequential"})
_OPERATIONS = re.compile(r"keras(?:\.src)?\.ops(?:\.|$)")  # are in the configuration, and are no layers
_ROWS = 100_000  # datasets that are kept of one file
_DEPTH = 16  # models in models
_TOLD = 5

# Without variables no such layer works. The number of units decides on the last side of its first variable.
_UNITS = {
    "Conv1D": "filters",
    "Conv2D": "filters",
    "Conv3D": "filters",
    "Dense": "units",
    "Embedding": "output_dim",
}
_WEIGHTED = frozenset(
    {*_UNITS, "BatchNormalization", "DepthwiseConv2D", "GroupNormalization", "SeparableConv2D"}
)


@record
class _Layer:
    """A layer of the configuration, by the place of its variables."""

    path: str
    name: str
    kind: str
    is_built: bool
    units: int | None  # of those that have some, and are not packed by a quantisation

    @property
    def is_expected(self) -> bool:
        """Whether there have to be variables."""
        return self.is_built and self.kind in _WEIGHTED


def disagreement(config: dict[str, object], weights: Source, subject: Subject) -> Iterator[Evidence]:
    """ART-013 for layers that only one of the two knows, and for sizes that differ.

    Nothing where the configuration lists no layers, or the weights cannot be followed: their reading says so.
    """
    try:
        stored = _stored(weights)
    except ScanError:
        return
    folder = next((each for each in _FOLDERS if any(path.startswith(f"{each}/") for path in stored)), "")
    layers = list(_layers(config, folder or _FOLDERS[0], 0))
    if not layers or len(stored) >= _ROWS:
        return
    held = {place for path in stored for place in _places(path)}
    missing = [each.name for each in layers if each.is_expected and each.path not in held]
    known = {each.path for each in layers}
    top = {"/".join(path.split("/")[:2]) for path in stored if folder and path.startswith(f"{folder}/")}
    strange = sorted(path.rpartition("/")[2] for path in top - known)
    sizes = [
        f"{each.name} has {each.units} by the configuration and {shape[-1]} by the weights"
        for each in layers
        if each.units is not None and (shape := stored.get(f"{each.path}/vars/0")) and shape[-1] != each.units
    ]
    rows = (("only in the configuration", missing), ("only among the weights", strange), ("", sizes))
    told = [f"{', '.join(found[:_TOLD])} {where}".strip() for where, found in rows if found]
    if told:
        message = visible(f"the layers of configuration and weights differ: {'; '.join(told)}", limit=600)
        yield Evidence("ART-013", subject.where, message, "layers", factors(ref="layers", effect="weakens"))


def _stored(weights: Source) -> dict[str, tuple[int, ...]]:
    """The shapes of the datasets, by their paths without the first slash."""
    found: dict[str, tuple[int, ...]] = {}
    for item in walk(weights):
        if isinstance(item, Dataset) and len(found) < _ROWS:
            found[item.path.lstrip("/")] = item.shape or ()
    return found


def _places(path: str) -> Iterator[str]:
    """The folders around a dataset."""
    parts = path.split("/")
    for count in range(2, min(len(parts), 4 * _DEPTH)):
        yield "/".join(parts[:count])


def _layers(config: dict[str, object], folder: str, depth: int, above: str = "") -> Iterator[_Layer]:
    inside = config.get("config")
    listed = inside.get("layers") if isinstance(inside, dict) else None
    counts: Counter[str] = Counter()
    for each in listed if isinstance(listed, list) and depth < _DEPTH else ():
        kind = each.get("class_name") if isinstance(each, dict) else None
        if not isinstance(kind, str) or _OPERATIONS.match(str(each.get("module"))):
            continue
        key = _snake(kind)
        counts[key] += 1
        place = f"{above}{folder}/{key}" + (f"_{counts[key] - 1}" if counts[key] > 1 else "")
        own = each.get("config")
        own = own if isinstance(own, dict) else {}
        name, is_built = str(own.get("name") or each.get("name")), bool(each.get("build_config"))
        yield _Layer(place, name, kind, is_built, _units(kind, own))
        if kind in _MODELS:
            yield from _layers(each, folder, depth + 1, f"{place}/")


def _units(kind: str, own: dict[str, object]) -> int | None:
    units = own.get(_UNITS.get(kind, ""))
    quantised = own.get("quantization_mode") or "Quantized" in str(own.get("dtype"))
    return units if isinstance(units, int) and not quantised else None


def _snake(name: str) -> str:
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
