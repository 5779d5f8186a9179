"""PyTorch checkpoints: zip archives, and the pickles and raw storages that came before them."""

from collections.abc import Iterator
from contextlib import suppress

from sbom.model import Fact, FactName
from sbom.record import field, mutable
from scanner.artifacts import names
from scanner.artifacts.pickle import Inspection
from scanner.errors import Malformed, ScanError
from scanner.limits import Budget
from scanner.model import Event, Source, Subject
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import Global, Persistent

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_PICKLED_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_DATA = "data.pkl"
_PICKLES = 4  # of one archive that are looked into for their tensors; torch writes one
_LEGACY_STREAMS = 5  # magic number, protocol, system, object, storage keys
_REBUILDS = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor"})

_DTYPES = {
    "Float": ("float32", 4),
    "Double": ("float64", 8),
    "Half": ("float16", 2),
    "BFloat16": ("bfloat16", 2),
    "Long": ("int64", 8),
    "Int": ("int32", 4),
    "Short": ("int16", 2),
    "Char": ("int8", 1),
    "Byte": ("uint8", 1),
    "Bool": ("bool", 1),
    "ComplexFloat": ("complex64", 8),
    "ComplexDouble": ("complex128", 16),
    "QInt8": ("qint8", 1),
    "QUInt8": ("quint8", 1),
    "QInt32": ("qint32", 4),
    "Untyped": ("uint8", 1),
}


@mutable
class Storages:
    """What the persistent ids of one stream say. ``by_key`` maps a storage's key to dtype and elements."""

    by_key: dict[str, tuple[str, int]] = field(default_factory=dict)
    unread: int = 0

    def add(self, machine: Machine, found: Persistent) -> None:
        """Counts ``('storage', torch.FloatStorage, key, place, elements, …)``."""
        parts = found.id if isinstance(found.id, tuple) else ()
        if len(parts) < 5 or machine.text(parts[0]) != "storage" or not isinstance(parts[1], Global):
            self.unread += 1
            return
        key, count = machine.text(parts[2]), machine.number(parts[4])
        dtype = _DTYPES.get(parts[1].name.removesuffix("Storage"))
        if key is None or count is None or dtype is None or len(self.by_key) > 1_000_000:
            self.unread += 1
            return
        self.by_key.setdefault(key, (dtype[0], count))

    def facts(self) -> Iterator[Fact]:
        """Parameters and dtypes, each storage counted once however many tensors share it."""
        if self.by_key:
            yield Fact(FactName.PARAMETERS, sum(count for _, count in self.by_key.values()))
            yield Fact(FactName.DTYPES, ", ".join(sorted({dtype for dtype, _ in self.by_key.values()})))


class Checkpoint(Inspection):
    """A pickle whose persistent ids are tensors' storages."""

    asks_persistent = True

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.storages = Storages()

    def on_persistent(self, machine: Machine, found: Persistent) -> None:
        self.storages.add(machine, found)

    def count(self, source: Source) -> None:
        """Takes the tensors of one pickle into account, as far as it can be read."""
        machine = Machine(source, self.subject.limits, quiet=names.quiet)
        machine.names, machine.crowds = self.names, self.crowds
        with suppress(ScanError):  # whoever reads the member for itself says what is wrong with it
            for event in machine.run():
                if isinstance(event, Persistent):
                    self.on_persistent(machine, event)

    def tensor_facts(self) -> Iterator[Fact]:
        """What the storages say, and how many tensors were rebuilt from them."""
        rebuilt = sum(
            name.calls
            for name in self.names.values()
            if name.module == "torch._utils" and name.name in _REBUILDS
        )
        if rebuilt:
            yield Fact(FactName.TENSORS, rebuilt)
        yield from self.storages.facts()


def inspect_legacy(subject: Subject) -> Iterator[Event]:
    """A checkpoint of torch before 1.6: five pickles in a row, then raw storages.

    All pickles are read like any other. Raises Malformed where the row ends early.
    """
    head = subject.source.read_at(0, 32)
    checkpoint = Checkpoint(subject)
    yield from checkpoint.run()
    yield from checkpoint.tensor_facts()
    if _PICKLED_MAGIC in head and checkpoint.streams < _LEGACY_STREAMS:
        wanted = f"{_LEGACY_STREAMS} pickles in a row"
        raise Malformed("legacy-streams", offset=checkpoint.end, found=checkpoint.streams, wanted=wanted)


def inspect_zip(subject: Subject) -> Iterator[Event]:
    """What kind of PyTorch archive a zip is, and what its pickles say of the tensors.

    Its members are examined by themselves, as if they had been found alone: no evidence comes from here.
    Raises Malformed where the archive holds no ``data.pkl``.
    """
    from scanner.readers.zip import Archive

    # The members are charged to the file's budget by the row that opens them; this look is not.
    budget = Budget(subject.limits)
    opened = Archive(subject.source, budget)
    members = [member for member in opened.members() if member.listing == "directory"]
    pickles = [member for member in members if member.name.rpartition("/")[2] == _DATA]
    if not pickles:
        raise Malformed("data-pkl", wanted="a member */data.pkl")
    yield Fact(FactName.FRAMEWORK, _kind([member.name for member in members]))
    checkpoint = Checkpoint(subject)
    for member in pickles[:_PICKLES]:
        checkpoint.count(opened.open(member))
    yield from checkpoint.tensor_facts()
    if _kind([member.name for member in members]) == "TorchScript":
        from scanner.artifacts import torchscript

        yield from torchscript.code_of(opened, members, subject)


def _kind(members: list[str]) -> str:
    inner = [name.partition("/")[2] for name in members]
    if any(name.startswith("code/") for name in inner):
        return "TorchScript"
    if any(name in (".data/extern_modules", ".data/python_version") for name in inner):
        return "torch.package"
    return "PyTorch"
