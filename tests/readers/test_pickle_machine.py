import contextlib
import json
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Source
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.frames import Spliced
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import KEPT_ITEMS, Change, Event, Global, Import, Made, Quiet, Use
from tests.forge import call, literal, name, number, stack_name, stream, text, u8, u32, u64


def run(
    data: bytes, limits: Limits | None = None, source: Source | None = None
) -> tuple[Machine, list[Event], ScanError | None]:
    machine = Machine(source or BytesSource(data), limits or Limits())
    events: list[Event] = []
    try:
        for event in machine.run():
            events.append(event)  # noqa: PERF402  (what came before the raise is the point)
    except ScanError as error:
        return machine, events, error
    return machine, events, None


def calls(data: bytes) -> list[str]:
    """Every call of the stream in words, the last result of each in turn."""
    machine, events, _ = run(data)
    return [describe(machine, event) for event in events if isinstance(event, Made)]


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(stream(call("os.system", "id")), "os.system('id')", id="GLOBAL"),
        pytest.param(
            stream(name("os", "system"), literal(["ls"]), number(0), text("id"), b"s\x85R"),
            "os.system(['id'])",
            id="an argument that is replaced",
        ),
        pytest.param(
            stream(stack_name("os", "system"), literal(("id",)), b"R"), "os.system('id')", id="STACK_GLOBAL"
        ),
        pytest.param(b"(S'id'\nios\nsystem\n.", "os.system('id')", id="INST"),
        pytest.param(b"(cos\nsystem\nS'id'\no.", "os.system('id')", id="OBJ"),
        pytest.param(stream(name("os", "system"), literal(("id",)), b"\x81"), "os.system('id')", id="NEWOBJ"),
        pytest.param(
            stream(name("os", "f"), literal(("id",)), literal({"a": 1}), b"\x92"),
            "os.f('id', **{'a': 1})",
            id="NEWOBJ_EX",
        ),
        pytest.param(
            b"\x80\x04U\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system('id')", id="names as old strings"
        ),
        pytest.param(
            b"\x80\x04Vos\nS'sys\\x74em'\n\x93\x8c\x02id\x85R.", "os.system('id')", id="names with escapes"
        ),
        pytest.param(
            b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93\x8c\x02id\x85R.",
            "os.system('id')",
            id="names from the memo",
        ),
        pytest.param(
            stream(stack_name("torch", "os.system"), literal(("id",)), b"R"),
            "torch.os.system('id')",
            id="dotted",
        ),
        pytest.param(b"c__builtin__\neval\n(V1\ntR.", "builtins.eval('1')", id="a name of Python 2"),
        pytest.param(
            b"\x80\x02X\x08\0\0\0commandsX\x09\0\0\0getoutput\x93(V1\ntR.",
            "subprocess.getoutput('1')",
            id="renamed for STACK_GLOBAL too",
        ),
        pytest.param(
            b"\x80\x02\x80\x04c__builtin__\neval\n(V1\ntR.",
            "__builtin__.eval('1')",
            id="the latest PROTO counts",
        ),
        pytest.param(
            b"cos\nsystem\n](S'id'\neR.", "os.system('id')", id="a list as arguments, for the pure unpickler"
        ),
    ],
)
def test_calls_are_told_with_resolved_names_and_arguments(data: bytes, told: str) -> None:
    assert calls(data) == [told]


GETATTR = name("builtins", "getattr")
IMPORT_OS = call("builtins.__import__", "os")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            stream(GETATTR, b"(", IMPORT_OS, text("system"), b"tR", literal(("id",)), b"R"), id="getattr"
        ),
        pytest.param(
            stream(name("functools", "partial"), b"(", name("os", "system"), text("id"), b"tR)R"),
            id="partial",
        ),
        pytest.param(
            stream(call("operator.attrgetter", "system"), IMPORT_OS, b"\x85R", literal(("id",)), b"R"),
            id="attrgetter",
        ),
        pytest.param(
            stream(call("operator.methodcaller", "system", "id"), IMPORT_OS, b"\x85R"), id="methodcaller"
        ),
        pytest.param(
            stream(
                GETATTR,
                b"(",
                call("operator.itemgetter", "os"),
                name("sys", "modules"),
                b"\x85R",
                text("system"),
                b"tR",
                literal(("id",)),
                b"R",
            ),
            id="sys.modules",
        ),
        pytest.param(
            stream(
                GETATTR,
                b"(",
                name("sys", "modules.get"),
                literal(("os",)),
                b"R",
                text("system"),
                b"tR",
                literal(("id",)),
                b"R",
            ),
            id="a method of sys.modules",
        ),
        pytest.param(
            stream(call("pkgutil.resolve_name", "os:system"), literal(("id",)), b"R"), id="resolve_name"
        ),
        pytest.param(
            stream(call("copyreg.add_extension", "os", "system", 7), b"0\x82\x07", literal(("id",)), b"R"),
            id="extension code",
        ),
        pytest.param(
            stream(text("os"), call("_codecs.decode", "flfgrz", "rot13"), b"\x93", literal(("id",)), b"R"),
            id="rot13",
        ),
        pytest.param(
            stream(text("os"), call("operator.add", "sys", "tem"), b"\x93", literal(("id",)), b"R"),
            id="sum of texts",
        ),
        pytest.param(
            stream(
                text("os"), call("builtins:str.join", "", ["sys", "tem"]), b"\x93", literal(("id",)), b"R"
            ),
            id="join",
        ),
        pytest.param(
            stream(text("os"), call("builtins:bytes.decode", b"system"), b"\x93", literal(("id",)), b"R"),
            id="bytes",
        ),
        pytest.param(
            stream(
                text("os"),
                name("builtins", "str"),
                b"(",
                call("base64.b64decode", "c3lzdGVt"),
                text("ascii"),
                b"tR\x93",
                literal(("id",)),
                b"R",
            ),
            id="base64",
        ),
        pytest.param(
            stream(
                text("os"),
                GETATTR,
                b"(",
                text(""),
                text("join"),
                b"tR(",
                call("builtins.reversed", "metsys"),
                b"tR\x93",
                literal(("id",)),
                b"R",
            ),
            id="reversed",
        ),
        pytest.param(
            stream(
                name("m", "X"),
                b")\x81",
                b"}(",
                text("__setstate__"),
                name("os", "system"),
                b"ub",
                text("id"),
                b"b",
            ),
            id="planted __setstate__",
        ),
        pytest.param(
            stream(
                name("m", "X"),
                b")\x81N",
                b"}(",
                text("__setstate__"),
                name("os", "system"),
                b"u\x86b",
                text("id"),
                b"b",
            ),
            id="planted in the slots",
        ),
        pytest.param(
            stream(
                name("m", "X"),
                b"}(",
                text("__setstate__"),
                name("os", "system"),
                b"ub)\x81",
                text("id"),
                b"b",
            ),
            id="planted on the class",
        ),
        pytest.param(
            stream(
                name("m", "X"), b")\x81", b"}(", text("append"), name("os", "system"), b"ub", text("id"), b"a"
            ),
            id="planted append",
        ),
        pytest.param(
            stream(
                name("torch._tensor", "_rebuild_from_type_v2"),
                b"(",
                name("os", "system"),
                name("m", "T"),
                literal(("id",)),
                b"NtR",
            ),
            id="a rebuild that calls what it is handed",
        ),
    ],
)
def test_every_way_round_to_a_name_ends_in_the_same_call(data: bytes) -> None:
    assert calls(data)[-1] == "os.system('id')"


def test_a_computed_name_that_cannot_be_followed_is_told_as_such() -> None:
    _, events, error = run(stream(text("os"), call("m.f"), b"\x93)R"))
    hidden = [event.name for event in events if isinstance(event, Import) and event.name.module is None]
    assert error is None
    assert [found.path for found in hidden] == ["os.<computed>"]


# --- what the C unpickler does -----------------------------------------------------------------------------

OK = stream(name("m", "f"), b")R")


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "truncated", id="empty"),
        pytest.param(b"\x80", "truncated", id="half a PROTO"),
        pytest.param(b"\x80\x06N.", "protocol", id="protocol 6"),
        pytest.param(b"N", "truncated", id="no STOP"),
        pytest.param(b".", "stack-underflow", id="STOP with nothing"),
        pytest.param(b"\xff.", "unknown-opcode", id="no opcode"),
        pytest.param(b"0.", "stack-underflow", id="POP from nothing"),
        pytest.param(b"N(\x85.", "mark-in-the-way", id="TUPLE1 reaches below a mark"),
        pytest.param(b"N(R.", "mark-in-the-way", id="REDUCE reaches below a mark"),
        pytest.param(b"Nt.", "mark-missing", id="TUPLE with no mark"),
        pytest.param(b"h\x05.", "memo-missing", id="empty memo slot"),
        pytest.param(b"Np-1\n.", "memo-index", id="negative PUT"),
        pytest.param(b"Npx\n.", "memo-index", id="PUT without a number"),
        pytest.param(b"}(Nu.", "odd-items", id="a key without a value"),
        pytest.param(b"NN\x93.", "stack-global", id="STACK_GLOBAL of None"),
        pytest.param(b"N)R.", "not-callable", id="a plain value is called"),
        pytest.param(b"c\n\n.", "empty-name", id="an empty name"),
        pytest.param(b"\x8b\xff\xff\xff\xff.", "negative-length", id="LONG4 of a negative length"),
        pytest.param(b"T\xff\xff\xff\xff.", "negative-length", id="BINSTRING of a negative length"),
        pytest.param(b"\x82\0.", "extension-code", id="EXT1 of zero"),
        pytest.param(b"\x80\x04\x95" + u64(99) + b"N.", "frame-length", id="a frame past the end"),
        pytest.param(b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "frame-length", id="a frame of all there is"),
        pytest.param(b"X" + u32(100) + b"abc", "truncated", id="a literal past the end"),
        pytest.param(b"\x8e" + b"\xff" * 7 + b"\x7fabc", "truncated", id="a literal of eight exabytes"),
        pytest.param(b"V" + b"x" * 100_000, "truncated", id="a line without its end"),
        pytest.param(b"NNa.", "not-a-container", id="append to None"),
        pytest.param(b"}Na.", "not-a-container", id="append to a dict"),
        pytest.param(b"](N\x90.", "not-a-container", id="add to a list"),
        pytest.param(b"(N\x91(N\x90.", "not-a-container", id="add to a frozenset"),
        pytest.param(b"\x8fNNs.", "not-a-container", id="an item of a set"),
    ],
)
def test_streams_that_no_loader_finishes_name_the_law_they_break(data: bytes, law: str) -> None:
    _, _, error = run(data)
    assert isinstance(error, Malformed)
    assert error.law == law


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Np1\0junk\n0g1\n.", id="a memo index ends at NUL"),
        pytest.param(b"Np 1_0 \n0g10\n.", id="blanks and underscores in a memo index"),
        pytest.param(b"N(0.", id="POP eats a mark"),
        pytest.param(b"N(1.", id="POP_MARK of nothing"),
        pytest.param(b"Nq\x05\x940h\x01.", id="MEMOIZE counts filled slots"),
        pytest.param(b"Nr\xff\xff\xff\x7f\x940h\x01.", id="MEMOIZE after a far slot"),
        pytest.param(b"\x80\x04\x80\x00\x80\x05N.", id="PROTO again and again"),
        pytest.param(b"\x80\x04\x95" + u64(1) + b"N.", id="a frame too short"),
        pytest.param(b"\x80\x04\x95" + u64(2) + b"\x95" + u64(1) + b"N.", id="frames that straddle"),
        pytest.param(b"N(e.", id="extend anything by nothing"),
        pytest.param(b"N(u.", id="update anything with nothing"),
        pytest.param(b"\x8a\0.", id="LONG1 of no bytes"),
        pytest.param(b"\x96" + u64(3) + b"abcK\x01a.", id="append to a bytearray"),
        pytest.param(b"]2\x86.", id="DUP"),
    ],
)
def test_streams_that_the_c_unpickler_finishes_are_finished(data: bytes) -> None:
    machine, _, error = run(data)
    assert error is None
    assert machine.end == len(data)


def test_what_acted_before_the_break_is_told() -> None:
    _, events, error = run(b"cos\nsystem\n(S'id'\ntR\xff")
    assert [type(event).__name__ for event in events] == ["Import", "Made"]
    assert isinstance(error, Malformed)


def test_uses_of_a_result_are_known() -> None:
    machine, events, _ = run(
        stream(call("m.f"), b")R0", call("m.g"), b"0", name("m", "h"), b"(", call("m.k"), b"tR}b")
    )
    by_name = {event.callee_name: event.uses for event in events if isinstance(event, Made)}
    assert by_name["m.f"] == Use.CALLED
    assert by_name["m.g"] == Use.DISCARDED
    assert by_name["m.k"] == Use.ARGUMENT
    assert by_name["m.h"] == Use.FILLED | Use.ROOT
    assert isinstance(machine.root, Made)


def test_writing_into_a_thing_that_the_stream_did_not_make_is_told() -> None:
    _, events, _ = run(stream(name("sys", "modules"), text("re"), name("m", "evil"), b"s"))
    changes = [event for event in events if isinstance(event, Change)]
    assert [(change.how, change.target.path) for change in changes if isinstance(change.target, Global)] == [
        ("setitem", "sys.modules")
    ]


def test_quiet_names_cost_no_event_but_are_counted() -> None:
    data = stream(*[call("m.f", 1)] * 5, *[b"0"] * 4)
    machine = Machine(BytesSource(data), Limits(), quiet=lambda *_: int(Quiet.CALL | Quiet.IMPORT))
    assert list(machine.run()) == []
    assert machine.names["m", "f"].calls == 5


# --- windows ----------------------------------------------------------------------------------------------


class Slow(BytesSource):
    """Counts how much is read; gives short reads as a member of a packed archive may."""

    total = 0

    def read_at(self, offset: int, length: int) -> bytes:
        found = super().read_at(offset, length)
        self.total += len(found)
        return found


@pytest.mark.parametrize("padding", [*range(16 * 1024 - 40, 16 * 1024), *range(32 * 1024 - 40, 32 * 1024)])
def test_no_window_border_hides_a_call(padding: int) -> None:
    body = call("os.system", "echo hi") + b"0" + stack_name("os", "popen") + b"Np5\n0Vx\n\x85R"
    data = b"\x80\x04" + b"N0" * (padding // 2) + b"N" * (padding % 2) + body + b"."
    assert calls(data) == ["os.system('echo hi')", "os.popen('x')"]


def test_array_bytes_are_jumped_over() -> None:
    source = Slow(
        stream(*[b"\x8e" + u64(5_000_000) + bytes(5_000_000)] * 4, b"000", call("os.system", "id"), b"0")
    )
    events = list(Machine(source, Limits()).run())
    assert len(events) == 2
    assert source.total < 1_000_000


def test_a_literal_looked_up_from_far_away_is_found() -> None:
    data = stream(
        text("os"),
        b"\x94",
        text("system"),
        b"\x94",
        b"\x8e" + u64(900_000) + bytes(900_000),
        b"h\0h\1\x93",
        literal(("id",)),
        b"R",
    )
    assert calls(data) == ["os.system('id')"]


# --- work -------------------------------------------------------------------------------------------------

MANY = 200_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"]" + b"2\x86" * MANY + b".", id="nested pairs"),
        pytest.param(b"]" + b"\x85" * MANY + b".", id="deep nesting"),
        pytest.param(b"(" * MANY + b"t" * MANY + b".", id="deep marks"),
        pytest.param(b"]q\0" + b"h\0h\0\x86q\0" * MANY + b".", id="doubling through the memo"),
        pytest.param(b"]\x94" + b"(" + b"h\0" * MANY + b"e.", id="one list in itself, often"),
        pytest.param(b"(" + b"N" * MANY + b"t" + b"2" * MANY + b".", id="one long tuple, copied"),
        pytest.param(
            b"".join(b"Nr" + u32(i * 7919 % 2**31) for i in range(MANY)) + b".", id="scattered memo slots"
        ),
        pytest.param(b"cm\nf\n" + b")R" * MANY + b".", id="a chain of calls"),
        pytest.param(b"cfunctools\npartial\n(cm\nf\ntR" + b")R" * 1000 + b".", id="partials called"),
        pytest.param(
            b"cm\nf\n" + b"q\x01cfunctools\npartial\nh\x01\x85R" * 5000 + b")R.",
            id="partial of partial of partial",
        ),
        pytest.param(
            b"cbuiltins\ngetattr\nq\0cm\nf\n" + b"q\x01h\0h\x01Va\n\x86R" * 3000 + b".",
            id="attribute of attribute",
        ),
    ],
)
def test_adversarial_streams_cost_what_they_are_long(data: bytes) -> None:
    machine, events, error = run(data)
    assert error is None or isinstance(error, LimitReached | Malformed)
    for event in events[-20:]:
        if isinstance(event, Made):
            assert len(describe(machine, event)) < 20_000


def test_operations_are_bounded() -> None:
    _, _, error = run(b"N0" * 1000 + b"N.", Limits(pickle_ops=500))
    assert isinstance(error, LimitReached)
    assert error.limit == "pickle_ops"


def test_stack_and_memo_are_bounded() -> None:
    _, _, error = run(b"N" * 400_000 + b".", Limits(pickle_stack=1_000_000))
    assert isinstance(error, LimitReached)
    assert error.limit == "pickle_stack"


def test_names_are_bounded() -> None:
    data = b"".join(name("m", f"n{index}") + b"0" for index in range(200)) + b"N."
    _, _, error = run(data, Limits(pickle_names=100))
    assert isinstance(error, LimitReached)
    assert error.limit == "pickle_names"


# --- the C unpickler is the judge -------------------------------------------------------------------------

JUDGE = r"""
import io, json, pickle, resource, sys
# A far memo slot makes the C unpickler ask for gigabytes.
resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))
told = []
def make(module, name):
    class Inert:
        def __new__(cls, *args, **kwargs):
            told.append(["call", module + "." + name, len(args)])
            return object.__new__(cls)
        def __init__(self, *args, **kwargs): pass
        def __call__(self, *args, **kwargs):
            told.append(["call", "<result>", len(args)])
            return self
        def __setstate__(self, state): pass
        def __setitem__(self, key, value): pass
        def extend(self, items): pass
        def append(self, item): pass
        def add(self, item): pass
    return Inert
class Judge(pickle.Unpickler):
    def find_class(self, module, name):
        told.append(["import", module + "." + name])
        return make(module, name)
    def persistent_load(self, pid):
        told.append(["persistent"])
        return make("p", "p")()
class Memory(io.BytesIO):
    # Gives a look at everything that comes, as a short file does: the unpickler then never drops a byte.
    def peek(self, size):
        return self.getvalue()[self.tell():]
for line in sys.stdin:
    told.clear()
    kind, data = line.split()
    stream = (Memory if kind == "memory" else io.BytesIO)(bytes.fromhex(data))
    try:
        Judge(stream).load()
        end = stream.tell()
    except RecursionError:
        raise
    except Exception as error:
        end = None
    told[:] = [row for row in told if row[:2] != ["call", "p.p"]]
    print(json.dumps([told, end]), flush=True)
"""


class Judge:
    """CPython's C unpickler in an isolated process, with a find_class that finds nothing real."""

    def __init__(self) -> None:
        self.process = self.start()

    def start(self) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        command = [sys.executable, "-I", "-c", JUDGE]
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)

    def ask(self, data: bytes, kind: str = "memory") -> tuple[list[list[object]], int | None]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{kind} {data.hex()}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:  # CPython itself can die of a damaged stream: then it has no opinion
            self.close()
            self.process = self.start()
            return [], None
        told, end = json.loads(line)
        return told, end

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    asked = Judge()
    yield asked
    asked.close()


def ours(data: bytes, source: Source | None = None) -> tuple[list[list[object]], int | None, Machine]:
    machine, events, error = run(data, source=source)
    told: list[list[object]] = []
    for event in events:
        if isinstance(event, Import):
            told.append(["import", f"{event.name.module}.{event.name.name}"])
        elif isinstance(event, Made):
            given = machine.arguments(event.args)
            named = event.callee
            callee = f"{named.module}.{named.name}" if isinstance(named, Global) else "<result>"
            told.append(["call", callee, len(given) if given is not None else -1])
        elif not isinstance(event, Change):
            told.append(["persistent"])
    return told, machine.end if error is None else None, machine


def _as_shown(told: list[list[object]]) -> list[list[object]]:
    """Of more arguments than are kept, not how many."""
    return [
        [*event[:2], min(event[-1], KEPT_ITEMS)] if isinstance(event[-1], int) else event for event in told
    ]


def agrees(judge: Judge, data: bytes) -> None:
    """The machine tells what the C unpickler did, in its order, and finishes where that one does.

    Both when it reads from memory and when it reads from a file, which differ where a frame cuts an opcode.
    """
    theirs, end = judge.ask(data)
    mine, my_end, machine = ours(data)
    mine, theirs = _as_shown(mine), _as_shown(theirs)
    assert mine[: len(theirs)] == theirs
    if end is not None:
        assert (mine, my_end) == (theirs, end)
    theirs, end = judge.ask(data, "file")
    source: Source = BytesSource(data)
    for _ in range(20):
        if machine.straddle is None:
            break
        source = Spliced(source, *machine.straddle)
        mine, my_end, machine = ours(data, source)
    mine, theirs = _as_shown(mine), _as_shown(theirs)
    assert mine[: len(theirs)] == theirs
    if end is not None:
        assert mine == theirs


REAL = [
    {"a": [1, 2.5, None, True], "b": (1, (2, 3)), "c": {4, 5}},
    [Decimal("1.5"), datetime(2026, 1, 1, tzinfo=UTC), OrderedDict(a=1), b"x" * 300, "ü" * 300, 1 << 80],
    [[], {}, (), set(), frozenset({1}), bytearray(b"abc"), slice(1, 2), complex(1, 2), range],
    [("x", index) for index in range(400)],
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("index", range(len(REAL)))
def test_real_pickles_are_told_as_the_c_unpickler_runs_them(judge: Judge, protocol: int, index: int) -> None:
    data = pickle.dumps(REAL[index], protocol)
    theirs, end = judge.ask(data)
    mine, my_end, _ = ours(data)
    if protocol >= 3:  # below, the judge sees names before they are renamed
        assert mine == theirs
    assert len(mine) == len(theirs)
    assert (my_end, end) == (len(data), len(data))


NAMES = [("m0", "A"), ("m1", "B"), ("m2", "C.D")]
TEXTS = ["m0", "A", "x", ""]

PUSHES = [
    *(literal(value) for value in (None, True, 7, -1, 2.5, b"ab", (), [], {}, (1, 2), [1], {"k": 1})),
    *(text(value, protocol) for value in TEXTS for protocol in (0, 2, 4)),
    *(name(*pair) for pair in NAMES),
    *(stack_name(*pair) for pair in NAMES),
    *(name(*pair) + b")R" for pair in NAMES),
    *(name(*pair) + b")\x81" for pair in NAMES),
    b"I01\n",
    b"L5L\n",
    b"F1.5\n",
    b"S'x'\n",
    b'S"A"\n',
    b"U\x01A",
    b"\x8a\x02ab",
    b"\x96" + u64(2) + b"ab",
    b"\x8f",
    b"Pid\n",
]
ACTIONS = [
    *(bytes([op]) for op in b"(((tt)]}2021R\x81bbaeusdlo\x85\x86\x87\x90\x91\x92\x93\x94Q\x98"),
    *(b"q" + u8(slot) for slot in (0, 1, 3)),
    *(b"h" + u8(slot) for slot in (0, 1, 3)),
    *(b"r" + u32(slot) for slot in (0, 70_000)),
    *(b"j" + u32(slot) for slot in (0, 1, 70_000)),
    b"p2\n",
    b"g2\n",
    b"p 0\n",
    b"g1\0x\n",
    b"im0\nA\n",
    b"im1\nB\n",
    b"\x80\x02",
    b"\x80\x04",
    b"\x95" + u64(0),
    b"\x95" + u64(3),
    b"\x82\x01",
    b")R",
    b"\x85R",
    b")\x81",
    b"}b",
    b"\x86R",
    b"(" + number(1) + b"t",
    b"(" + number(1) + number(2) + b"u",
    b"Na",
    b"(NNe",
]
PARTS = st.one_of(st.sampled_from(PUSHES), st.sampled_from(PUSHES), st.sampled_from(ACTIONS))


@pytest.mark.parametrize("behind", [b"", b"0" * 20])
@pytest.mark.parametrize("mistake", [IndexError, struct.error])
def test_a_mistake_of_ours_does_not_look_like_the_end_of_a_stream(
    monkeypatch: pytest.MonkeyPatch, mistake: type[Exception], behind: bytes
) -> None:
    def broken(*_: object) -> None:
        raise mistake

    monkeypatch.setattr(Machine, "_call", broken)
    with pytest.raises(mistake):
        run(stream(call("m0.A", 1), behind))


@pytest.mark.parametrize("left", [0, 1, 11])
def test_frames_that_begin_in_others_end_as_the_c_unpickler_ends_them(judge: Judge, left: int) -> None:
    # So many whole opcodes of the first frame are left where the second begins; of all sizes is the second.
    rest = b"N" * left + (call("m0.A", 1) + call("m1.B", "x")) * 4
    for size in range(70):
        inside = b"\x95" + u64(size)
        agrees(judge, stream(b"\x95" + u64(9 + left), inside, rest, b"N", protocol=4))


@settings(max_examples=1500, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=25), protocol=st.sampled_from([0, 4, 5]))
def test_any_opcodes_are_told_as_the_c_unpickler_runs_them(
    judge: Judge, parts: list[bytes], protocol: int
) -> None:
    agrees(judge, stream(*parts, protocol=protocol))


@settings(max_examples=300, deadline=None)
@given(
    index=st.integers(0, len(REAL) - 1),
    protocol=st.integers(3, 5),
    flip=st.integers(0, 2**20),
    cut=st.integers(0, 2**20),
)
def test_damaged_pickles_are_told_as_far_as_the_c_unpickler_runs_them(
    judge: Judge, index: int, protocol: int, flip: int, cut: int
) -> None:
    data = bytearray(pickle.dumps(REAL[index], protocol))
    data[flip // 8 % len(data)] ^= 1 << flip % 8
    agrees(judge, bytes(data))
    agrees(judge, bytes(data[: cut % len(data)]))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_end_in_events_or_a_named_law(data: bytes) -> None:
    _, _, error = run(data)
    assert error is None or isinstance(error, Malformed | LimitReached)
