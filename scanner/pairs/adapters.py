"""An adapter and the base that it names: whether its matrices can be added to those of that base.

Law: PEFT's documentation, "Checkpoint format": ``base_model.model.<module>.lora_A.weight`` of r × in and
``lora_B.weight`` of out × r belong to the base's ``<module>.weight`` of out × in.
"""

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from sbom.model import Location
from sbom.record import field, mutable
from scanner.errors import Malformed, ScanError
from scanner.model import Evidence, factors
from scanner.pairs import bases, tensors
from scanner.pairs.bases import Base
from scanner.pairs.shelf import Shelf
from scanner.pairs.tensors import Tensor
from scanner.pairs.twins import RULE, counted, few
from scanner.text import visible

CONFIG = "adapter_config.json"
_FILES = ("adapter_model.safetensors", "adapter_model.bin")
_ROOT = "base_model.model."
_LONGEST_WAY = 40  # parts of one name
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})  # what is not packed


@mutable
class _Module:
    """The two matrices of one module."""

    down: Tensor | None = None
    up: Tensor | None = None

    @property
    def adds(self) -> tuple[int, int]:
        """Rows and columns of their product."""
        assert self.down is not None and self.up is not None  # noqa: S101, PT018  (the caller has looked)
        return self.up.shape[0], self.down.shape[1]


@mutable
class _Fit:
    """What came of the modules of one adapter."""

    missing: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)


def check(shelf: Shelf) -> Iterator[Evidence]:
    """ORG-006 for each adapter in the tree that does not fit the base it names, or not itself."""
    for folder in shelf.folders():
        if shelf.holds(folder, CONFIG):
            yield from _of_folder(folder, shelf)


def _of_folder(folder: str, shelf: Shelf) -> Iterator[Evidence]:
    path = posixpath.join(folder, CONFIG)
    try:
        config = shelf.json(path)
        name, revision = _text(config, "base_model_name_or_path"), _text(config, "revision")
        weights = next((one for one in _FILES if shelf.holds(folder, one)), "")
        if not weights:
            return  # a configuration alone claims nothing of tensors
        weights = posixpath.join(folder, weights)
        base = bases.locate(name, revision, folder, shelf) if name else None
        with ExitStack() as stack:
            store = tensors.Store(weights, "", weights.endswith(".safetensors"), (weights,))
            adapter = tensors.read(store, shelf, stack).tensors
            yield from _against(weights, adapter, name, base, shelf, stack)
    except ScanError as error:
        shelf.not_followed(path, visible(f"this adapter was not held against its base: {error}"))


def _against(
    path: str, adapter: Mapping[str, Tensor], name: str, base: Base | None, shelf: Shelf, stack: ExitStack
) -> Iterator[Evidence]:
    modules = _modules(adapter)
    broken = sorted(one for one, module in modules.items() if not _is_whole(module))
    if broken:
        message = f"lora_A and lora_B of this adapter cannot be multiplied, or one is missing: {few(broken)}"
        yield Evidence(RULE, Location(path), message, "adapter:itself")
    shown = visible(name, limit=200)
    if base is None:
        if name:
            shelf.tell(f"{visible(path)} was not held against its base {shown}, which is not in the tree")
        return
    if not modules:
        shelf.not_followed(path, "this adapter has no pairs of lora_A and lora_B, so no shapes to compare")
        return
    model = of_folder(base.folder, shelf, stack)
    fit = _fit({one: module for one, module in modules.items() if one not in broken}, model)
    if fit.packed:
        left = counted(fit.packed)
        shelf.tell(f"{visible(path)}: {left} of its base are packed, and their shapes were not compared")
    yield from _evidence(path, fit, shown, base)


def _evidence(path: str, fit: _Fit, shown: str, base: Base) -> Iterator[Evidence]:
    where = f"{shown} ({visible(base.folder or '.', limit=200)})"
    parts = []
    if fit.wrong:
        parts.append(f"the shapes of {counted(fit.wrong)} do not fit: {few(fit.wrong)}")
    if fit.missing:
        parts.append(f"the base has no {few(fit.missing)}")
    if not parts:
        return
    # Libraries rename modules from release to release; shapes they do not change.
    sure = bool(fit.wrong) and base.is_sure
    measured = factors(evidence="confirmed" if sure else "heuristic", ref=base.folder or ".")
    message = f"this adapter is not one of the base that it names, {where}: {'; '.join(parts)}"
    yield Evidence(RULE, Location(path), message, "adapter:base", measured)


def _modules(adapter: Mapping[str, Tensor]) -> dict[str, _Module]:
    found: dict[str, _Module] = {}
    for name, tensor in adapter.items():
        for mark in (".lora_A.", ".lora_B."):
            head, sign, tail = name.partition(mark)
            if sign and tail.endswith("weight") and len(tensor.shape) >= 2:
                module = found.setdefault(head.removeprefix(_ROOT), _Module())
                if mark == ".lora_A.":
                    module.down = tensor
                else:
                    module.up = tensor
    return found


def _is_whole(module: _Module) -> bool:
    if module.down is None or module.up is None:
        return False
    return module.down.shape[0] == module.up.shape[1]


def _fit(modules: Mapping[str, _Module], base: Mapping[str, Tensor]) -> _Fit:
    fit = _Fit()
    ends = _ends(base)
    for name, module in sorted(modules.items()):
        tensor = base.get(f"{name}.weight") or base.get(_by_end(name, ends))
        if tensor is None:
            fit.missing.append(name)
        elif tensor.dtype not in _FLOATS or len(tensor.shape) < 2:
            fit.packed.append(name)
        elif module.adds not in (tensor.shape[:2], tensor.shape[1::-1]):  # GPT-2 has them the other way round
            fit.wrong.append(name)
    return fit


def _ends(base: Mapping[str, Tensor]) -> dict[str, str]:
    """The base's weights by every end of their names that one alone has: ``layers.0.mlp``."""
    found: dict[str, str] = {}
    for name in base:
        if not name.endswith(".weight") or name.count(".") > _LONGEST_WAY:
            continue
        parts = name.removesuffix(".weight").split(".")
        for at in range(len(parts)):
            end = ".".join(parts[at:])
            found[end] = "" if end in found else name
    return found


def _by_end(name: str, ends: Mapping[str, str]) -> str:
    """The one weight of the base whose name ends like a module's, the model's own name in front or not."""
    parts = name.split(".")
    for at in range(min(3, len(parts) - 1)):
        if found := ends.get(".".join(parts[at:])):
            return found
    return ""


def of_folder(folder: str, shelf: Shelf, stack: ExitStack) -> Mapping[str, Tensor]:
    """The tensors of the one model in a folder. Raises Malformed where there is none, or more than one."""
    found = tensors.stores(shelf, folder)
    plain = [one for one in found if one.is_plain] or found
    plain = [one for one in plain if one.stem == "model"] or plain
    if len(plain) != 1:
        what = "no weights that are read here" if not plain else f"{len(plain)} models"
        raise Malformed("base", found=f"{what} in {visible(folder or '.', limit=200)}", wanted="one model")
    return tensors.read(plain[0], shelf, stack).tensors


def _text(config: Mapping[str, object], key: str) -> str:
    value = config.get(key)
    return value if isinstance(value, str) else ""
