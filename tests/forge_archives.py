"""Archives from hand-made bytes: honest ones, and each lie that a header can tell."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sbom.model import Location
from scanner.errors import ScanError
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Inspector, Member, Subject


def deflate(data: bytes) -> bytes:
    """A bare deflate stream."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass(frozen=True)
class Z:
    """One zip member; what is None is told truly."""

    name: str
    data: bytes = b""
    method: int = 0
    packed: bytes | None = None
    flags: int = 0
    local_name: str | None = None
    local_method: int | None = None
    local_flags: int | None = None
    local_sizes: tuple[int, int] | None = None
    sizes: tuple[int, int] | None = None
    crc: int | None = None
    made_by: int = 0x031E
    mode: int = 0o100644
    extra: bytes = b""
    local_extra: bytes = b""
    descriptor: bool = False
    listed: bool = True

    @property
    def body(self) -> bytes:
        """The bytes that stand in the file."""
        if self.packed is not None:
            return self.packed
        return deflate(self.data) if self.method == 8 else self.data

    def lengths(self) -> tuple[int, int]:
        """Packed and unpacked."""
        return self.sizes or (len(self.body), len(self.data))

    def checksum(self) -> int:
        """The checksum that the headers state."""
        return zlib.crc32(self.data) if self.crc is None else self.crc

    def local(self) -> bytes:
        """Header, data and descriptor."""
        name = (self.name if self.local_name is None else self.local_name).encode()
        flags = self.flags if self.local_flags is None else self.local_flags
        method = self.method if self.local_method is None else self.local_method
        packed, size = self.local_sizes or self.lengths()
        crc = self.checksum()
        if self.descriptor:
            flags, packed, size, crc = flags | 8, 0, 0, 0
        lengths = (len(name), len(self.local_extra))
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, method, 0, 33, crc, packed, size, *lengths)
        tail = struct.pack("<4s3I", b"PK\7\x08", self.checksum(), *self.lengths()) if self.descriptor else b""
        return head + name + self.local_extra + self.body + tail

    def central(self, offset: int) -> bytes:
        """The entry in the directory."""
        name = self.name.encode()
        flags = self.flags | (8 if self.descriptor else 0)
        head = struct.pack(
            "<4s6H3I5H2I",
            *(b"PK\1\2", self.made_by, 20, flags, self.method, 0, 33, self.checksum(), *self.lengths()),
            *(len(name), len(self.extra), 0, 0, 0, self.mode << 16, offset),
        )
        return head + name + self.extra


def end_record(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    """The record at the end of a zip."""
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, offset, len(comment)) + comment


def zip_of(
    *members: Z,
    prefix: bytes = b"",
    suffix: bytes = b"",
    comment: bytes = b"",
    zip64: bool = False,
    base: int = 0,
) -> bytes:
    """A zip; ``base`` is added to no offset although the prefix is there (0: offsets count the prefix)."""
    out = bytearray(prefix)
    entries: list[bytes] = []
    for member in members:
        if member.listed:
            entries.append(member.central(len(out) - base))
        out += member.local()
    start = len(out)
    directory = b"".join(entries)
    out += directory
    count, size, offset = len(entries), len(directory), start - base
    if zip64:
        record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
        place = len(out)
        out += record + struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
        count, size, offset = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    return bytes(out + end_record(count, size, offset, comment) + suffix)


def torch_like(
    pickle: bytes = b"\x80\x02}q\x00.", *, storage: bytes = bytes(256), crc: int | None = None
) -> bytes:
    """What PyTorch writes: all stored, data aligned to 64 bytes by an extra field, a 64-bit end record."""
    files = [("data.pkl", pickle), (".format_version", b"1"), ("byteorder", b"little")]
    files += [("data/0", storage), ("version", b"3\n"), (".data/serialization_id", b"0" * 40)]
    members: list[Z] = []
    at = 0
    for name, data in files:
        full = f"archive/{name}"
        room = -(at + 30 + len(full) + 4) % 64
        padding = b"FB" + struct.pack("<H", room) + b"Z" * room
        members.append(
            Z(full, data, flags=0x800, local_extra=padding, descriptor=True, made_by=0, mode=0, crc=crc)
        )
        at += len(members[-1].local())
    return zip_of(*members, zip64=True)


def subject(data: bytes, name: str = "file", limits: Limits | None = None, depth: int = 0) -> Subject:
    """A file of these bytes, as an inspector is handed it."""
    limits = limits or Limits()
    return Subject(BytesSource(data), Location(name), name, limits, Budget(limits), depth=depth)


@dataclass
class Outcome:
    """What an inspector said, and how it ended."""

    events: list[Event]
    members: list[tuple[str, bytes | ScanError]]
    error: ScanError | None

    def rules(self) -> list[str]:
        """The rules of the evidence, sorted, each once."""
        return sorted({getattr(event, "rule", "") for event in self.events} - {""})

    def messages(self) -> str:
        """All messages."""
        return "\n".join(getattr(event, "message", "") for event in self.events)

    def contents(self, name: str) -> list[bytes]:
        """What every reading of a member holds."""
        return [data for at, data in self.members if at == name and isinstance(data, bytes)]


def run(inspector: Inspector, of: Subject) -> Outcome:
    """Runs an inspector as the driver does: each member is read before the next event is asked for."""
    outcome = Outcome([], [], None)
    try:
        for event in inspector(of):
            outcome.events.append(event)
            if isinstance(event, Member):
                outcome.members.append((event.name, _read(event)))
    except ScanError as error:
        outcome.error = error
    return outcome


def _read(member: Member) -> bytes | ScanError:
    parts: list[bytes] = []
    offset = 0
    try:
        while data := member.source.read_at(offset, 1 << 16):
            parts.append(data)
            offset += len(data)
    except ScanError as error:
        return b"".join(parts) if parts else error
    return b"".join(parts)


def mutations(data: bytes, choices: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The bytes with each of the flips made, one after the other."""
    changed = bytearray(data)
    for at, mask in choices:
        changed[at % len(changed)] ^= mask or 1
        yield bytes(changed)
