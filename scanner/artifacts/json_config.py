"""JSON that a program builds objects from: targets, Ray's applications and pickles, jsonpickle.

Any ``.json`` may be one: it is searched for the keys that count, and parsed where one of them stands there.
Laws: those of ``targets``; Ray's documentation, "Serve config files" and "Runtime environments"; Ray Tune's
``TuneFunctionEncoder``, which writes what JSON has no word for as a pickle in hexadecimal digits.
"""

from collections.abc import Iterator

from scanner.artifacts import agent_tools, jsontext, ray_config, targets
from scanner.artifacts.names import Kind
from scanner.errors import LimitReached, Malformed
from scanner.model import Derived, Event, Subject
from scanner.patterns import pattern

_MARKS = (
    *(f'"{key}"'.encode() for key in targets.KEYS),
    b'"py/',
    b'"lc"',
    b'"import_path"',
    b'"runtime_env"',
    b"CLOUDPICKLE_FALLBACK",
    agent_tools.MARK,
)
# A key may be written in escapes; what spells letters so is parsed to see.
_ESCAPED = pattern(rb'\\u00[2-7][0-9A-Fa-f][^"\n]{0,200}"\s*:')
# "type" stands in every other file: only one that names something of a dangerous module counts.
_TYPE = pattern(rb'"type"\s*:\s*"([A-Za-z_]\w*(?:\.\w+)+)"')
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_CHUNK = 1 << 20
_OVERLAP = 256
_PICKLES = 1000  # of one file


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-001 and ART-002 for what the file has called, ART-023 for what it has installed, ART-031 for
    tools that are written in it; its pickles.

    Raises Malformed or LimitReached for JSON that is broken or too large only where it speaks of any of
    these: other JSON is somebody else's.
    """
    source, limits = subject.source, subject.limits
    if not _speaks(subject):
        return
    if source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=source.size)
    data = source.read_at(0, source.size)
    config = jsontext.parse(data, limits.nesting)
    yield from targets.told(config, subject.where, limits.message_chars)
    yield from ray_config.told(config, subject.where, limits.message_chars)
    yield from agent_tools.told(config, subject.where, limits.message_chars)
    yield from _pickles(subject, config)


def _speaks(subject: Subject) -> bool:
    """Whether one of the marks stands anywhere; a file of any length is searched."""
    source, held = subject.source, b""
    for at in range(0, source.size, _CHUNK):
        held = held[-_OVERLAP:] + source.read_at(at, _CHUNK)
        if at == 0 and (held[:2] in _WIDE or b"\0" in held[:4]):
            return any(key.encode("utf-16-le")[:-1] in held for key in (*targets.KEYS, "py/", "import_path"))
        if any(mark in held for mark in _MARKS) or _ESCAPED.search(held) or _names_type(held):
            return True
    return False


def _names_type(data: bytes) -> bool:
    paths = {found[1] for found in _TYPE.finditer(data)}
    return any(_is_dangerous(path.decode("ascii", "replace")) for path in paths)


def _is_dangerous(path: str) -> bool:
    verdict = targets.judge(path)
    return verdict.kind is Kind.SINK and verdict.capability in targets.RUNS


def _pickles(subject: Subject, config: object) -> Iterator[Derived]:
    """What Ray Tune wrote as a pickle: unpickled by whoever reads the experiment."""
    count = 0
    for mapping in targets.mappings(config):
        value = mapping.get("value")
        if mapping.get("_type") != "CLOUDPICKLE_FALLBACK" or not isinstance(value, str):
            continue
        count += 1
        if count > _PICKLES:
            raise LimitReached("container_members", allowed=_PICKLES)
        subject.budget.spend_member()
        try:
            data = bytes.fromhex(value)
        except ValueError as error:
            raise Malformed(
                "hexadecimal", found=value[:40], wanted="a pickle in hexadecimal digits"
            ) from error
        yield Derived("pickle", data, subject.where.inside(f"pickle {count}"))
