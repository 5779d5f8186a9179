"""Arrow and Parquet tables: the pickles that a schema carries, or that its columns are stored as.

Law: the Arrow columnar format, "IPC streaming format", "IPC file format" and "Extension types"; the Parquet
format, "File format" and ``parquet.thrift``. Published: CVE-2023-47248 (pyarrow before 14.0.1 unpickles the
type of a column), Petastorm (a schema as a pickle in the footer of a Parquet file).

Nothing but the schema is read, and that only where it speaks of one of these.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterator

from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.model import Derived, Event, Evidence, Subject
from scanner.readers import thrift
from scanner.readers.flatbuffers import Table, root
from scanner.text import visible

_CONTINUES = b"\xff\xff\xff\xff"
_FILE = b"ARROW1"
_PARQUET = b"PAR1"
_SCHEMA = 1  # the kind of a message that holds one
_LONGEST_HEAD = 1 << 26  # bytes of the first message of a stream that is believed
_COLUMNS = 1_000_000

_NAME, _METADATA = b"ARROW:extension:name", b"ARROW:extension:metadata"
_TYPE_PICKLED = b"arrow.py_extension_type"
_VALUES_PICKLED = b"ray.data.arrow_pickled_object"
_MARKS = (_TYPE_PICKLED, _VALUES_PICKLED)
_ARROW_SCHEMA = b"ARROW:schema"
_PICKLED_KEYS = (b"dataset-toolkit.unischema",)  # Petastorm's
_ONLY_SCHEMA = "only searched for pickles in its schema"


def is_stream(head: bytes) -> bool:
    """Whether a file begins with the first message of a stream: a schema."""
    if not head.startswith(_CONTINUES):
        return False
    size = int.from_bytes(head[4:8], "little")
    if not 16 <= size <= _LONGEST_HEAD or size % 8:
        return False
    try:
        message = root(head[8 : 8 + size])
        return message.number(1, 1) == _SCHEMA and message.number(0, 2) <= 4 and not message.number(3, 8)
    except Malformed:
        return False


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-030 for columns that are pickles by their type, and the pickles of the schema.

    Raises Malformed where the schema cannot be found, PartlyRead else: the values are not looked at.
    """
    source = subject.source
    head = source.read_at(0, 8)
    if head.startswith(b"FEA1"):
        raise PartlyRead(_ONLY_SCHEMA)  # the first Feather has no types of its own
    if head.startswith(_FILE):
        yield from _in_message(subject, 8)
        yield from _in_footer(subject)
    elif head.startswith(_CONTINUES):
        yield from _in_message(subject, 0)
    else:
        raise Malformed("magic", offset=0, found=repr(head[:6]), wanted="ARROW1, FEA1 or a stream")
    raise PartlyRead(_ONLY_SCHEMA)


def inspect_parquet(subject: Subject) -> Iterator[Event]:
    """The same of a Parquet file, whose footer holds the schema of Arrow that it was written from."""
    source = subject.source
    tail = source.read_at(max(0, source.size - 8), 8)
    if tail.endswith(b"PARE"):
        raise PartlyRead("its footer is encrypted")
    if not tail.endswith(_PARQUET):
        raise Malformed("end-magic", offset=max(0, source.size - 4), wanted="PAR1")
    size = int.from_bytes(tail[:4], "little")
    start = source.size - 8 - size
    if start < 4:
        raise Malformed("footer-length", offset=source.size - 8, found=size, wanted="a footer in the file")
    footer = _read(subject, start, size)
    if any(mark in footer for mark in (*_coded_marks(), *_PICKLED_KEYS)):
        yield from _in_keys(subject, footer, start)
    raise PartlyRead(_ONLY_SCHEMA)


def _coded_marks() -> Iterator[bytes]:
    """What each mark looks like in base64: the digits that no neighbour has a part in, in each of three
    places that it may stand at."""
    for mark in _MARKS:
        for before in range(3):
            coded = b64encode(bytes(before) + mark)
            yield coded[(0, 2, 3)[before] : len(mark) * 8 // 6 - 1]


def _in_keys(subject: Subject, footer: bytes, start: int) -> Iterator[Event]:
    reader = thrift.Compact(footer, subject.limits.nesting)
    for each in reader.fields(0):
        if each.number != 5 or each.kind != thrift.LIST:
            continue
        for at in reader.structs(each.at):
            pair = {
                part.number: reader.binary(part.at)
                for part in reader.fields(at)
                if part.kind == thrift.BINARY
            }
            key, value = pair.get(1, b""), pair.get(2, b"")
            if key.startswith(_PICKLED_KEYS):
                where = subject.where.inside(visible(key.decode("utf-8", "replace"), limit=80))
                yield Derived("pickle", value, where)
            elif key == _ARROW_SCHEMA:
                yield from _in_coded(subject, value, start + at)


def _in_coded(subject: Subject, value: bytes, offset: int) -> Iterator[Event]:
    try:
        message = b64decode(value + b"=" * (-len(value) % 4))
    except binascii.Error as error:
        raise Malformed("schema-base64", offset=offset, wanted="base64") from error
    yield from _in_schema_message(subject, message[8:] if message.startswith(_CONTINUES) else message[4:])


def _in_message(subject: Subject, at: int) -> Iterator[Event]:
    """The pickles of the schema that a file or a stream begins with."""
    head = subject.source.read_at(at, 8)
    start = at + 8 if head.startswith(_CONTINUES) else at + 4
    size = int.from_bytes(subject.source.read_at(start - 4, 4), "little")
    data = _read(subject, start, size)
    if any(mark in data for mark in _MARKS):
        yield from _in_schema_message(subject, data)


def _in_footer(subject: Subject) -> Iterator[Event]:
    source = subject.source
    tail = source.read_at(max(0, source.size - 10), 10)
    if not tail.endswith(_FILE):
        raise Malformed("end-magic", offset=max(0, source.size - 6), wanted="ARROW1")
    size = int.from_bytes(tail[:4], "little")
    start = source.size - 10 - size
    if start < 8:
        raise Malformed("footer-length", offset=source.size - 10, found=size, wanted="a footer in the file")
    data = _read(subject, start, size)
    if any(mark in data for mark in _MARKS):
        schema = root(data).table(1)
        if schema is not None:
            yield from _in_schema(subject, schema)


def _in_schema_message(subject: Subject, data: bytes) -> Iterator[Event]:
    message = root(data)
    schema = message.table(2) if message.number(1, 1) == _SCHEMA else None
    if schema is None:
        raise Malformed("schema", wanted="a schema as the first message")
    yield from _in_schema(subject, schema)


def _in_schema(subject: Subject, schema: Table) -> Iterator[Event]:
    waiting = [(each, 0) for each in schema.tables(1)]
    seen = 0
    while waiting:
        column, depth = waiting.pop()
        seen += 1
        if seen > _COLUMNS or depth > subject.limits.nesting:
            raise LimitReached("nesting", allowed=subject.limits.nesting, found=depth)
        pairs = {pair.text(0): pair.text(1) for pair in column.tables(6)}
        if pairs.get(_NAME) in _MARKS:
            yield from _on_column(subject, column.text(0), pairs)
        waiting.extend((each, depth + 1) for each in column.tables(5))


def _on_column(subject: Subject, raw: bytes, pairs: dict[bytes, bytes]) -> Iterator[Event]:
    name = visible(raw.decode("utf-8", "replace"), limit=80)
    if pairs[_NAME] == _TYPE_PICKLED:
        says = f"the type of the column {name} is a pickle: pyarrow before 14.0.1 unpickles it on reading"
    else:
        says = f"the values of the column {name} are pickles: Ray unpickles them on reading"
    yield Evidence("ART-030", subject.where, says, f"column:{name}")
    if pairs[_NAME] == _TYPE_PICKLED:
        yield Derived("pickle", pairs.get(_METADATA, b""), subject.where.inside(f"type of {name}"))


def _read(subject: Subject, start: int, size: int) -> bytes:
    left = max(0, subject.source.size - start)
    if size > left:  # a lie in a length, however large: nothing that a limit would let through
        raise Malformed("truncated", offset=start + left, found=left, wanted=f"{size} bytes")
    if size > subject.limits.text_bytes:
        raise LimitReached("text_bytes", allowed=subject.limits.text_bytes, found=size)
    data = subject.source.read_at(start, size)
    if len(data) < size:
        raise Malformed("truncated", offset=start + len(data), found=len(data), wanted=f"{size} bytes")
    return data
