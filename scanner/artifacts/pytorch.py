"""PyTorch checkpoints: zip archives, and the pickles and raw storages that came before them."""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from sbom.record import field, mutable
from scanner.artifacts.pickle import Inspection
from scanner.errors import Malformed
from scanner.limits import Budget
from scanner.model import Event, Subject
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import Global, Made, Persistent

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_PICKLED_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
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

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.storages = Storages()
        self.rebuilt = 0

    def on_persistent(self, machine: Machine, found: Persistent) -> None:
        self.storages.add(machine, found)

    def on_call(self, machine: Machine, made: Made) -> None:
        if isinstance(made.callee, Global) and made.callee.name in _REBUILDS:
            self.rebuilt += 1

    def tensor_facts(self) -> Iterator[Fact]:
        """What the storages say, and how many tensors were rebuilt from them."""
        rebuilt = sum(
            name.calls for name in self.names.values() if name.module == "torch._utils" and name.name in _REBUILDS
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
    """What kind of PyTorch archive a zip is. Its members are examined by themselves.

    Raises Malformed where the archive holds no ``data.pkl``.
    """
    from scanner.readers.zip import Archive

    # The members are charged to the file's budget by the row that opens them; this look is not.
    archive = Archive(subject.source, Budget(subject.limits))
    yield from archive_facts([member.name for member in archive.members() if member.listing != "hidden"])


def archive_facts(members: list[str]) -> Iterator[Fact]:
    """The facts that the names of an archive's members tell."""
    folders = {name.partition("/")[0] for name in members if name.endswith("/data.pkl")}
    if not folders:
        raise Malformed("data-pkl", wanted="a member */data.pkl")
    code = any(name.partition("/")[2].startswith("code/") for name in members)
    package = any("/.data/extern_modules" in f"/{name}" or "/.data/python_version" in f"/{name}" for name in members)
    kind = "TorchScript" if code else "torch.package" if package else "PyTorch"
    yield Fact(FactName.FRAMEWORK, kind)
    yield Fact(FactName.TENSORS, sum(1 for name in members if "/data/" in name and not name.endswith("/")))
    yield Fact(FactName.MEMBERS, len(members))
