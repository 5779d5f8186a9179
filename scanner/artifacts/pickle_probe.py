"""Is it a pickle? Asked of files whose name does not say so."""

from scanner.artifacts import names
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import KIB, Limits
from scanner.model import Source
from scanner.patterns import pattern
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import Change, Global, Made

_LIMITS = Limits(pickle_ops=100_000, pickle_names=1000)
_PROTO = 0x80
_ZIP_MEMBER = b"PK\x03\x04"
_HEAD = 8 * KIB  # bytes of a later stream that are looked at
_ENOUGH_BYTES = 64  # of a stream that begins with PROTO
_LONG = 4 * KIB  # a beginning that was cut off, and no short file
_ENOUGH_OPCODES = 24  # that took effect, where nothing was imported yet
_MANY_STREAMS = 64  # that follow one another and import nothing
# Lines that are no literal for any loader, where they stand first: a number is read up to a NUL.
_REFUSED = pattern(
    rb"[IL][^\0\n]*?[^\0\n0-9a-fA-FxXoOL_+\-\s]|F[^\0\n]*?[^\0\n0-9eEiInNfFtTyYaA_.+\-\s]|S[^'\"]"
)
# A list of names that all begin with a P is a run of persistent ids to an unpickler.
_IDS = pattern(rb"(?:P[^\n]*+(?:\n|\Z))++\Z")


class _Head:
    """The beginning of something that may be long."""

    size = 2**60

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes of the beginning."""
        return self._data[offset : offset + length]


def probe(head: bytes, source: Source | None = None, start: int = 0) -> bool:
    """Whether a file that begins with ``head`` is a pickle, whatever its name.

    With a PROTO opcode and what follows it valid, yes. Without one, only where the stream imports something
    with the name of something and goes on sensibly, or is too long a run of opcodes to be a text.

    ``source`` has those bytes at ``start``, and more. It is asked where the beginning leaves the question
    open: no length of a literal hides what comes behind it. What that costs is bounded by opcodes; a literal
    with a length is jumped over, a line is read up to its end.
    """
    # "P" asks for a persistent id, which plain unpicklers refuse; torch's takes a zip for what it is. Who
    # takes it for a pickle has to be shown a call that no member of a zip makes by chance.
    is_zip = head.startswith(_ZIP_MEMBER)
    said = _look(_Head(head), 0, is_zip=is_zip)
    if said is None and source is not None:
        said = _look(source, start, is_zip=is_zip)
    return bool(said)


def _look(source: Source, start: int, *, is_zip: bool) -> bool | None:
    """The answer, as far as the bytes from ``start`` go; None where all of them could begin a pickle."""
    opcodes = streams = 0
    while first := source.read_at(start, _ENOUGH_BYTES):
        if _REFUSED.match(first):
            return False
        if first[0] == _PROTO and not is_zip:
            rest = source.read_at(start, _HEAD)
            return _goes_on(rest[:_ENOUGH_BYTES]) or _goes_on(rest)
        machine = Machine(source, _LIMITS, start=start, joblib=False, skip_from=None)
        error: ScanError | None = None
        try:
            for event in machine.run():
                if isinstance(event, Made | Change) and _plausible_call(event, is_zip=is_zip):
                    return True
        except ScanError as caught:
            error = caught
        if error is not None and not _is_cut(error):
            return False
        opcodes += machine.opcodes
        imported = [name.is_plausible for name in machine.names.values() if name.imports]
        named = any(imported)
        streams += 1
        # Lines of a text that begin with "c" are names that nothing has.
        is_long = opcodes >= _ENOUGH_OPCODES and not imported
        is_long = is_long and (error is not None or streams >= _MANY_STREAMS)
        # What breaks off behind ids alone has called nothing. Where more may follow, the whole file is asked.
        is_long = is_long and not (isinstance(error, Malformed) and _IDS.match(source.read_at(start, _HEAD)))
        if not is_zip and (named or is_long):
            return True
        if error is not None:
            return None
        if is_zip:
            return False
        start = machine.end
    return None


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


def _plausible_call(event: Made | Change, *, is_zip: bool = False) -> bool:
    callee = event.callee if isinstance(event, Made) else event.target
    if not isinstance(callee, Global):
        return not is_zip
    if is_zip:
        return names.classify(callee.module or "", callee.name).kind is names.Kind.SINK
    return callee.is_plausible
