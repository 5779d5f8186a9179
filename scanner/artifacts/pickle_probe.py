"""Is it a pickle? Asked of files whose name does not say so."""

from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Limits
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import Change, Global, Made

_LIMITS = Limits(pickle_ops=100_000, pickle_names=1000)
_PROTO = 0x80
_ZIP_MEMBER = b"PK\x03\x04"
_ENOUGH_BYTES = 64  # of a stream that begins with PROTO
_LONG = 4 * 1024  # a beginning that was cut off, and no short file
_ENOUGH_OPCODES = 24  # that took effect, where nothing was imported yet


class _Head:
    """The beginning of something that may be long."""

    size = 2**60

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes of the beginning."""
        return self._data[offset : offset + length]


def probe(head: bytes) -> bool:
    """Whether a file that begins like this is a pickle, whatever its name.

    With a PROTO opcode and what follows it valid, yes. Without one, only where the stream imports something
    with the name of something and goes on sensibly, or is too long a run of opcodes to be a text.
    """
    # "P" asks for a persistent id, which plain unpicklers refuse; torch's takes a zip for what it is.
    if head.startswith(_ZIP_MEMBER):
        return False
    start = 0
    while start < len(head):
        if head[start] == _PROTO:
            rest = head[start:]
            return _goes_on(rest[:_ENOUGH_BYTES]) or _goes_on(rest)
        machine = Machine(_Head(head[start:]), _LIMITS, joblib=False)
        error: ScanError | None = None
        try:
            for event in machine.run():
                if isinstance(event, Made | Change) and _plausible_call(event):
                    return True
        except ScanError as caught:
            error = caught
        named = any(name.is_plausible for name in machine.names.values() if name.imports)
        if error is not None:
            return _is_cut(error) and (named or machine.opcodes >= _ENOUGH_OPCODES)
        if named:
            return True
        start += machine.end
    return False


def _goes_on(stream: bytes) -> bool:
    """Whether an opcode follows PROTO that does something. The rest is for whoever inspects the file."""
    machine = Machine(_Head(stream), _LIMITS, joblib=False)
    try:
        for event in machine.run():
            if isinstance(event, Made | Change) and _plausible_call(event):
                return True
    except ScanError as error:
        # A line that is longer than the beginning of a file may end behind it, and anything follow.
        return machine.position > 2 or len(stream) == 2 or (_is_cut(error) and len(stream) >= _LONG)
    return True


def _is_cut(error: ScanError) -> bool:
    return isinstance(error, LimitReached) or (isinstance(error, Malformed) and error.law == "truncated")


def _plausible_call(event: Made | Change) -> bool:
    callee = event.callee if isinstance(event, Made) else event.target
    return not isinstance(callee, Global) or callee.is_plausible
