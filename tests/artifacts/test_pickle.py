import base64
import bz2
import gzip
import lzma
import pickle as real_pickle
import zlib
from collections import OrderedDict, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import names, pickle
from scanner.artifacts.names import Kind
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Derived, Event, Evidence, Subject
from tests.forge import (
    archive,
    call,
    literal,
    name,
    number,
    split,
    stack_name,
    state_dict,
    stream,
    tensor,
    text,
    torch_legacy,
    u8,
    u32,
    u64,
)


def events_of(data: bytes, *, by_suffix: bool = False) -> tuple[list[Event], ScanError | None]:
    limits = Limits()
    subject = Subject(
        BytesSource(data), Location("m.pkl"), "m.pkl", limits, Budget(limits), claimed_by_suffix=by_suffix
    )
    events: list[Event] = []
    try:
        for event in pickle.inspect(subject):
            events.append(event)  # noqa: PERF402  (what came before the raise is the point)
    except ScanError as error:
        return events, error
    return events, None


def evidence_of(data: bytes) -> list[Evidence]:
    return [event for event in events_of(data)[0] if isinstance(event, Evidence)]


def rules_of(data: bytes) -> dict[str, str]:
    """The rules that fired, each with the subject of its first evidence."""
    found: dict[str, str] = {}
    for event in evidence_of(data):
        found.setdefault(event.rule, event.subject)
    return found


# --- honest -----------------------------------------------------------------------------------------------

OBJECTS = [
    {"a": 1, "b": [1.5, None, True, (1, "x"), {2}, b"y" * 300]},
    OrderedDict(a=1),
    defaultdict(list, {"a": [1]}),
    [datetime(2026, 1, 1, tzinfo=UTC), timedelta(1), Decimal("1.5"), Fraction(1, 2)],
    [UUID(int=1), PurePosixPath("a/b"), Path("x"), range(3), slice(1, 2), complex(1, 2), bytearray(b"abc")],
    [len, list, dict, frozenset({1}), Ellipsis, NotImplemented, type(None)],
    [KeyError("k"), ValueError("v", 1)],
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("index", range(len(OBJECTS)))
def test_plain_objects_are_no_evidence_but_that_it_is_a_pickle(index: int, protocol: int) -> None:
    assert set(rules_of(real_pickle.dumps(OBJECTS[index], protocol))) == {"ART-003"}


NDARRAY = (
    name("numpy._core.multiarray", "_reconstruct")
    + b"("
    + name("numpy", "ndarray")
    + literal((0,))
    + literal(b"b")
    + b"tR"
)
DTYPE = (
    name("numpy", "dtype")
    + literal(("f8", False, True))
    + b"R"
    + b"("
    + literal(3)
    + text("<")
    + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
)
ESTIMATOR = name("sklearn.linear_model._logistic", "LogisticRegression") + b")\x81"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            state_dict({"w": tensor("0", [2, 3]), "b": tensor("1", [3], "HalfStorage")}), id="state dict"
        ),
        pytest.param(
            stream(NDARRAY, b"(", number(1), literal((2,)), DTYPE, b"\x89", literal(bytes(16)), b"tb"),
            id="array",
        ),
        pytest.param(stream(ESTIMATOR, literal({"C": 1.0, "classes_": [0, 1]}), b"b"), id="estimator"),
        pytest.param(
            stream(
                name("copyreg", "_reconstructor"),
                b"(",
                name("sklearn.svm._classes", "SVC"),
                name("builtins", "object"),
                b"NtR",
                literal({"C": 1.0}),
                b"b",
                protocol=2,
            ),
            id="estimator of protocol 2",
        ),
        pytest.param(
            b"ccopy_reg\n_reconstructor\n(csklearn.svm.classes\nSVC\nc__builtin__\nobject\nNtR(dVC\nF1.0\nsb.",
            id="estimator of Python 2",
        ),
        pytest.param(stream(call("_codecs.encode", "\xe9", "latin1"), protocol=2), id="bytes of protocol 2"),
        pytest.param(
            stream(name("functools", "partial"), b"(", name("numpy", "mean"), b"tR"),
            id="partial of an honest function",
        ),
        pytest.param(
            stream(
                name("builtins", "getattr"), b"(", name("datetime", "datetime"), text("fromtimestamp"), b"tR"
            ),
            id="bound method of an honest class",
        ),
        pytest.param(stream(call("operator.itemgetter", 1)), id="itemgetter"),
        pytest.param(stream(call("operator.attrgetter", "name")), id="attrgetter"),
        pytest.param(stream(call("logging.getLogger", "train")), id="logger"),
        pytest.param(stream(name("builtins", "type"), b"N\x85R"), id="the type of None"),
        pytest.param(
            stream(name("__torch__.net", "Net"), b")\x81", literal({"training": False}), b"b"),
            id="TorchScript object",
        ),
        pytest.param(
            stream(name("transformers.trainer_utils", "IntervalStrategy"), literal(("no",)), b"R"),
            id="an enumeration",
        ),
    ],
)
def test_what_real_models_hold_is_no_evidence_but_that_it_is_a_pickle(data: bytes) -> None:
    events, error = events_of(data)
    assert error is None
    assert {event.rule for event in events if isinstance(event, Evidence)} == {"ART-003"}


def wrapper(shape: tuple[int, ...], dtype: bytes, padding: int | None = 16) -> bytes:
    state = {"order": "C", "allow_mmap": True}
    pairs = literal(state)[:-1] + text("subclass") + name("numpy", "ndarray") + text("shape") + literal(shape)
    pairs += text("dtype") + dtype
    if padding is not None:
        pairs += text("numpy_array_alignment_bytes") + number(padding)
    return name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + pairs + b"ub"


OBJECT_DTYPE = name("numpy", "dtype") + literal(("O8", False, True)) + b"R"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(stream(wrapper((2, 3), DTYPE), u8(3) + b"\xff" * 3, b"\xff" * 48), id="padded array"),
        pytest.param(stream(wrapper((), DTYPE, None), b"\xff" * 8), id="array of no dimension, no padding"),
        pytest.param(
            stream(
                b"](",
                wrapper((2,), DTYPE),
                u8(0),
                b"\xff" * 16,
                wrapper((1,), DTYPE),
                u8(0),
                b"\xff" * 8,
                b"e",
            ),
            id="two arrays",
        ),
        pytest.param(stream(wrapper((2,), OBJECT_DTYPE), stream(literal([1, 2]))), id="array of objects"),
    ],
)
def test_arrays_that_joblib_writes_between_opcodes_are_data(data: bytes) -> None:
    events, error = events_of(data)
    assert error is None
    assert {event.rule for event in events if isinstance(event, Evidence)} == {"ART-003"}


def test_an_array_of_objects_is_a_pickle_like_any_other() -> None:
    data = stream(wrapper((1,), OBJECT_DTYPE), stream(call("os.system", "id")))
    assert rules_of(data)["ART-001"] == "os.system"


def test_array_bytes_that_a_plain_load_would_run_are_read_as_opcodes_too() -> None:
    hidden = b"0" + call("os.system", "id") + b"."
    body = hidden + bytes(-len(hidden) % 8)
    data = stream(wrapper((len(body) // 8,), DTYPE, None), body)
    assert rules_of(data)["ART-001"] == "os.system"


def test_array_bytes_that_only_look_like_an_import_are_data() -> None:
    body = b"c\0\0\n\0\0\n)R" + bytes(7)
    assert set(rules_of(stream(wrapper((2,), DTYPE, None), body))) == {"ART-003"}
    assert set(rules_of(stream(literal([1])) + b"c\0\0\0\0\n\0\0\n)R" + bytes(9))) == {"ART-003"}


@pytest.mark.parametrize("wrapper", ["NDArrayWrapper", "ZNDArrayWrapper"])
@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        pytest.param("m.pkl_01.npy", [], id="beside it"),
        pytest.param("../m.npy", ["ART-002"], id="climbs"),
        pytest.param("/srv/m.npy", ["ART-002"], id="absolute"),
        pytest.param("C:m.npy", ["ART-002"], id="another drive"),
    ],
)
def test_the_wrappers_of_old_joblib_load_only_files_beside_their_own(
    wrapper: str, beside: str, expected: list[str]
) -> None:
    state = literal({"filename": beside, "allow_mmap": False})
    data = stream(name("joblib.numpy_pickle", wrapper), b")\x81", state, b"b")
    assert [rule for rule in rules_of(data) if rule != "ART-003"] == expected


def test_what_follows_an_array_is_read() -> None:
    data = stream(wrapper((2,), DTYPE), u8(1) + b"\xff", b"c\nR." * 4, b"0", call("os.system", "id"))
    assert rules_of(data)["ART-001"] == "os.system"


def test_facts_name_protocol_imports_and_framework() -> None:
    events, _ = events_of(state_dict({"w": tensor("0", [2])}))
    facts = {event.name: event.value for event in events if isinstance(event, Fact)}
    assert facts[FactName.PICKLE_PROTOCOL] == 2
    assert facts[FactName.FRAMEWORK] == "PyTorch"
    assert (
        facts[FactName.IMPORTS]
        == "collections.OrderedDict, torch.FloatStorage, torch._utils._rebuild_tensor_v2"
    )


# --- unknown ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(
            stream(name("shop.model", "Net"), b")\x81", literal({"w": 1}), b"b"), "ART-016", id="constructed"
        ),
        pytest.param(stream(b"(", name("shop.model", "Net"), b"o"), "ART-016", id="OBJ without arguments"),
        pytest.param(b"(ishop.model\nNet\n.", "ART-016", id="INST without arguments"),
        pytest.param(b"(ishop.model\nrun\n.", "ART-002", id="INST of what is no class calls it"),
        pytest.param(b"(iast\n_main\n.", "ART-002", id="INST of a function of the standard library"),
        pytest.param(stream(b"(", name("shop.model", "_run"), b"o"), "ART-002", id="OBJ of what is no class"),
        pytest.param(
            stream(
                name("copyreg", "_reconstructor"),
                b"(",
                name("shop.model", "Net"),
                name("builtins", "object"),
                b"NtR",
            ),
            "ART-016",
            id="reconstructor",
        ),
        pytest.param(stream(call("shop.model.Kind", 1)), "ART-016", id="the member of an Enum"),
        pytest.param(stream(call("shop.model.Kind", "a")), "ART-002", id="called with a text"),
        pytest.param(stream(call("shop.model.Kind", 1, 2)), "ART-002", id="called with two numbers"),
        pytest.param(stream(call("shop.model.kind", 1)), "ART-002", id="a function called with a number"),
        pytest.param(
            stream(
                name("shop._fast", "__pyx_unpickle_Tree"),
                b"(" + name("shop._fast", "Tree") + literal(1234) + literal(None) + b"tR",
            ),
            "ART-016",
            id="a class of Cython",
        ),
        pytest.param(stream(name("shop.model", "relu")), "ART-016", id="only named"),
        pytest.param(stream(call("shop.model.Net", "x")), "ART-002", id="called"),
        pytest.param(stream(call("shop.model.Net")), "ART-002", id="called without arguments"),
        pytest.param(
            stream(name("shop.model", "Net"), b")\x81", literal((1,)), b"R"),
            "ART-002",
            id="its object is called",
        ),
        pytest.param(stream(call("json.loads", "{}")), "ART-002", id="a function of the standard library"),
        pytest.param(stream(name("os", "system")), "ART-002", id="a sink only named"),
        pytest.param(
            stream(name("collections", "defaultdict"), name("shop", "f"), b"\x85R"), "ART-016", id="handed on"
        ),
        pytest.param(stream(call("numpy.log", 1)), "ART-002", id="honest where named, and called"),
    ],
)
def test_names_that_nobody_vouches_for_are_graded_by_their_use(data: bytes, rule: str) -> None:
    found = rules_of(data)
    assert rule in found
    assert not found.keys() & {"ART-001", "ART-003"}
    assert rule == "ART-002" or "ART-002" not in found


# --- caught -----------------------------------------------------------------------------------------------

SINKS = [
    "os.system",
    "posix.system",
    "nt.system",
    "os.popen",
    "os.remove",
    "os.execve",
    "os.spawnl",
    "subprocess.Popen",
    "subprocess.check_output",
    "commands.getoutput",
    "pty.spawn",
    "builtins.eval",
    "builtins.exec",
    "__builtin__.eval",
    "builtins.compile",
    "builtins.open",
    "io.open",
    "_io.FileIO",
    "shutil.rmtree",
    "socket.create_connection",
    "urllib.request.urlopen",
    "webbrowser.open",
    "importlib.import_module",
    "runpy.run_path",
    "builtins.__import__",
    "pickle.load",
    "torch.load",
    "joblib.load",
    "marshal.load",
    "ctypes.CDLL",
    "ctypes.util.find_library",
    "sys.settrace",
    "requests.get",
    "pathlib.Path.write_text",
    "builtins.setattr",
    "builtins.globals",
]


@pytest.mark.parametrize("path", SINKS)
@pytest.mark.parametrize("how", ["reduce", "inst", "obj", "stack"])
def test_a_call_of_a_sink_is_told_with_name_arguments_and_place(path: str, how: str) -> None:
    module, qualname = split(path if path != "pathlib.Path.write_text" else "pathlib:Path.write_text")
    data = {
        "reduce": stream(name(module, qualname), literal(("x",)), b"R"),
        "inst": stream(b"(", text("x"), b"i" + module.encode() + b"\n" + qualname.encode() + b"\n"),
        "obj": stream(b"(", name(module, qualname), text("x"), b"o"),
        "stack": stream(stack_name(module, qualname), literal(("x",)), b"R"),
    }[how]
    found = [event for event in evidence_of(data) if event.rule == "ART-001"]
    assert len(found) == 1
    assert found[0].subject == f"{module}.{qualname}"
    assert f"{module}.{qualname}('x')" in found[0].message
    offset = found[0].where.offset
    assert offset is not None
    assert data[offset : offset + 1] in b"Rio"
    assert dict(found[0].factors)["exploitation"].value == "active"


# One row for each published class of bypass (GHSA ids as the design file names them).
EVASIONS = [
    pytest.param(stream(call("pip.main", ["install", "x"])), "ART-001", id="pip.main, CVE-2025-1716"),
    pytest.param(
        stream(call("pip._internal.main", ["install"])), "ART-001", id="pip internals, GHSA-655q-fx9r-782v"
    ),
    pytest.param(stream(call("cProfile.runctx", "x", {}, {})), "ART-001", id="cProfile, GHSA-9w88-8rmg-7g2p"),
    pytest.param(
        stream(call("profile:Profile.run", "x")), "ART-001", id="profile method, GHSA-49gj-c84q-6qm9"
    ),
    pytest.param(stream(call("trace:Trace.run", "x")), "ART-001", id="trace, GHSA-7wx9-6375-f5wh"),
    pytest.param(stream(call("bdb:Bdb.run", "x")), "ART-001", id="bdb, GHSA-5qwp-399c-mjwf"),
    pytest.param(stream(call("pdb.run", "x")), "ART-001", id="pdb"),
    pytest.param(stream(call("timeit.timeit", "x")), "ART-001", id="timeit, GHSA-g344-hcph-8vgg"),
    pytest.param(stream(call("doctest.debug_script", "x")), "ART-001", id="doctest, GHSA-x696-vm39-cp64"),
    pytest.param(
        stream(call("idlelib.autocomplete:AutoComplete.get_entity", "x")),
        "ART-001",
        id="idlelib, GHSA-6vqj-c2q5-j97w",
    ),
    pytest.param(
        stream(call("idlelib.pyshell:ModifiedInterpreter.runcode", "x")),
        "ART-001",
        id="idlelib shell, GHSA-fqq6-7vqf-w3fg",
    ),
    pytest.param(
        stream(call("code:InteractiveInterpreter.runcode", "x")), "ART-001", id="code, GHSA-3vg9-h568-4w9m"
    ),
    pytest.param(
        stream(call("lib2to3.pgen2.grammar:Grammar.loads", b"x")),
        "ART-001",
        id="lib2to3, GHSA-6w4w-5w54-rjvr",
    ),
    pytest.param(stream(call("ensurepip._run_pip", ["x"])), "ART-001", id="ensurepip, GHSA-7cq8-mj8x-j263"),
    pytest.param(stream(call("pydoc.pipepager", "x", "id")), "ART-001", id="pydoc"),
    pytest.param(
        stream(call("asyncio.unix_events:_UnixSubprocessTransport._start", "x")),
        "ART-001",
        id="asyncio, GHSA-8r4j-24qv-fmq9",
    ),
    pytest.param(stream(call("logging.FileHandler", "x")), "ART-001", id="logging.FileHandler"),
    pytest.param(stream(call("distutils.file_util.write_file", "x", ["y"])), "ART-001", id="distutils"),
    pytest.param(stream(call("uuid._get_command_stdout", "id")), "ART-001", id="uuid"),
    pytest.param(stream(call("imaplib.IMAP4_stream", "id")), "ART-001", id="imaplib"),
    pytest.param(stream(call("_osx_support._read_output", "id")), "ART-001", id="_osx_support"),
    pytest.param(stream(call("_aix_support._read_cmd_output", "id")), "ART-001", id="_aix_support"),
    pytest.param(stream(call("_pyrepl.pager.pipe_pager", "x", "id")), "ART-001", id="_pyrepl"),
    pytest.param(
        stream(call("test.support.script_helper.assert_python_ok", "-c", "x")), "ART-001", id="test helpers"
    ),
    pytest.param(
        stream(call("torch.utils.bottleneck.__main__.run_cprofile", "x", {})),
        "ART-001",
        id="bottleneck, GHSA-4r9r-ch6f-vxmx",
    ),
    pytest.param(
        stream(call("torch._dynamo.guards:GuardBuilder.get", "x")),
        "ART-001",
        id="GuardBuilder, GHSA-4whj-rm5r-c2v8",
    ),
    pytest.param(
        stream(call("torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression", "x", {})),
        "ART-001",
        id="ShapeEnv, GHSA-86cj-95qr-2p4f",
    ),
    pytest.param(
        stream(call("torch.utils.collect_env.run", "id")), "ART-001", id="collect_env, GHSA-f4x7-rfwp-v3xw"
    ),
    pytest.param(
        stream(call("torch.utils.data.datapipes.utils.decoder.basichandlers", "pkl", b"x")),
        "ART-001",
        id="decoder, GHSA-f745-w6jp-hpxx",
    ),
    pytest.param(
        stream(call("torch.jit.unsupported_tensor_ops.execWrapper", "x", {}, {})),
        "ART-001",
        id="execWrapper, GHSA-jhph-76pp-mggw",
    ),
    pytest.param(
        stream(call("torch.utils._config_module:ConfigModule.load_config", b"x")),
        "ART-001",
        id="ConfigModule, GHSA-h3qp-7fh3-f8h4",
    ),
    pytest.param(
        stream(call("numpy.f2py.crackfortran.getlincoef", "x", {})), "ART-001", id="f2py, GHSA-r8g5-cgf2-4m4m"
    ),
    pytest.param(
        stream(stack_name("numpy", "__builtins__.eval"), literal(("x",)), b"R"),
        "ART-001",
        id="a library's builtins, modelscan 330",
    ),
    pytest.param(stream(name("numpy", "__builtins__")), "ART-002", id="a library's builtins, only named"),
    pytest.param(
        stream(stack_name("torch.serialization", "os.system"), literal(("id",)), b"R"),
        "ART-001",
        id="a library's os",
    ),
    pytest.param(stream(call("six.moves.builtins.eval", "x")), "ART-001", id="a module that is another one"),
    pytest.param(
        stream(call("pkgutil.resolve_name", "os:system"), literal(("id",)), b"R"),
        "ART-001",
        id="resolve_name, GHSA-vvpj-8cmc-gx39",
    ),
    pytest.param(
        stream(call("asyncio.subprocess.create_subprocess_shell", "id")),
        "ART-001",
        id="submodule, CVE-2025-10157",
    ),
    pytest.param(
        stream(call("os.system", "id"), b"0N")[:-1] + b"\xff",
        "ART-004",
        id="broken after it acted, GHSA-9gvj-pp9x-gcfr",
    ),
    pytest.param(
        stream(b"(", name("os", "system"), text("id"), b"o0N"),
        "ART-001",
        id="OBJ and POP, GHSA-mxhj-88fx-4pcv",
    ),
    pytest.param(
        stream(
            text("os"),
            b"\x94",
            text("system"),
            b"\x94",
            text("x"),
            b"\x94",
            b"000h\0h\1\x93",
            literal(("id",)),
            b"R",
        ),
        "ART-001",
        id="memo confusion, picklescan 14",
    ),
    pytest.param(
        stream(
            text("posix"),
            b"\x940",
            text("system"),
            b"\x940",
            text("collections"),
            b"0h\0h\1\x93",
            literal(("id",)),
            b"R",
        ),
        "ART-001",
        id="names put aside",
    ),
    pytest.param(
        stream(name("builtins", "map"), b"(", name("os", "system"), literal(["id"]), b"tR"),
        "ART-001",
        id="map over a sink",
    ),
    pytest.param(
        stream(
            name("builtins", "list"),
            name("builtins", "map"),
            b"(",
            name("os", "system"),
            literal(["id"]),
            b"t\x81\x85\x81",
        ),
        "ART-001",
        id="map by NEWOBJ, listed",
    ),
    pytest.param(
        stream(name("functools", "partial"), b"(", name("os", "system"), text("id"), b"tR"),
        "ART-001",
        id="partial of a sink",
    ),
    pytest.param(
        stream(
            name("m", "X"), b")\x81}(", text("__setstate__"), name("os", "system"), b"ub", text("id"), b"b"
        ),
        "ART-001",
        id="planted __setstate__",
    ),
    pytest.param(
        stream(name("builtins", "getattr"), b"(", name("m", "X"), b")\x81", text("__globals__"), b"tR"),
        "ART-001",
        id="a way out of any object",
    ),
    pytest.param(
        stream(name("builtins", "getattr"), b"(", name("m", "X"), call("m.f"), b"tR"),
        "ART-001",
        id="an attribute that is computed",
    ),
    pytest.param(
        stream(text("os"), call("m.f"), b"\x93", literal(("id",)), b"R"),
        "ART-001",
        id="a name that is computed",
    ),
    pytest.param(
        stream(name("sys", "modules"), text("re"), name("m", "x"), b"s"), "ART-001", id="a module replaced"
    ),
    pytest.param(stream(name("sys", "path"), text("/tmp"), b"a"), "ART-001", id="the import path changed"),
    pytest.param(
        stream(
            name("collections", "OrderedDict"), b"N}(", text("__reduce__"), name("os", "system"), b"u\x86b"
        ),
        "ART-001",
        id="an honest class changed",
    ),
    pytest.param(
        stream(literal({"a": 1})) + stream(call("os.system", "id")), "ART-001", id="a second pickle"
    ),
    pytest.param(
        b"".join(stream(number(i)) for i in range(9)) + stream(call("os.system", "id")),
        "ART-001",
        id="a tenth pickle",
    ),
    pytest.param(
        stream(literal({"a": 1})) + stream(call("os.system", "id"))[:-1],
        "ART-004",
        id="a second pickle that breaks",
    ),
    pytest.param(b"\x80\x02\x80\x04" + call("os.system", "id") + b".", "ART-001", id="PROTO twice"),
    pytest.param(
        b"\x80\x04\x95" + u64(3) + call("os.system", "id") + b".", "ART-001", id="a frame that is short"
    ),
    pytest.param(
        stream(b"\x8e" + u64(300_000) + b"A" * 300_000, b"0", call("os.system", "id")),
        "ART-001",
        id="behind a long literal",
    ),
    pytest.param(stream(call("dill._dill._eval_repr", "x")), "ART-001", id="dill's eval"),
    pytest.param(
        stream(call("dill._dill._import_module", "os.system"), literal(("id",)), b"R"),
        "ART-001",
        id="dill's importer takes a path to a name",
    ),
    pytest.param(stream(call("torch.hub.load", "a/b", "c")), "ART-001", id="torch.hub"),
    pytest.param(
        stream(call("ios.system", "id"))[:2] + b"cos\r\nsystem\n" + b")R.",
        "ART-002",
        id="a carriage return in a name",
    ),
    pytest.param(
        stream(call("multiprocessing.util.spawnv_passfds", b"x", [], [])), "ART-001", id="multiprocessing"
    ),
    pytest.param(
        stream(call("copyreg.add_extension", "os", "system", 9), b"0\x82\x09", literal(("id",)), b"R"),
        "ART-001",
        id="extension registry",
    ),
    pytest.param(stream(call("types.CodeType", 0, 0)), "ART-002", id="bytecode"),
    pytest.param(
        stream(
            name("builtins", "str"), text("os"), b"\x85\x81", text("system"), b"\x93", text("id"), b"\x85R"
        ),
        "ART-001",
        id="a module's name made by str.__new__",
    ),
    pytest.param(
        stream(name("builtins", "map"), name("os", "system"), b"]", text("id"), b"a\x86\x81"),
        "ART-001",
        id="a map made by map.__new__",
    ),
    pytest.param(
        stream(
            b"]" + b"".join(call("m.f", n) + b"a" for n in range(40)),
            *(call("m.f", "os"), text("x"), b"\x93)R0", call("os.system", "id")),
        ),
        "ART-001",
        id="a name from a function of which enough was told",
    ),
    pytest.param(
        stream(
            b"]" + (name("m", "C") + b")\x81a") * 40,
            *(name("m", "C"), b")\x81", text("x"), b"\x93)R0", call("os.system", "id")),
        ),
        "ART-001",
        id="a name from a class of which enough was told",
    ),
    pytest.param(
        b"\x80\x04\x95" + u64(9999) + call("os.system", "id") + b".",
        "ART-001",
        id="a frame that is longer than the file, which Python's own unpickler reads",
    ),
    pytest.param(stream(b"\x82\x05", literal(("id",)), b"R"), "ART-001", id="an extension nobody registered"),
]


@pytest.mark.parametrize(("data", "rule"), EVASIONS)
def test_published_bypasses_are_caught(data: bytes, rule: str) -> None:
    found = rules_of(data)
    assert rule in found
    assert "ART-003" not in found


@pytest.mark.parametrize("size", [30, 2**31, 2**62, 2**63 - 1])
def test_a_frame_that_passes_the_end_is_read_and_breaks_a_law(size: int) -> None:
    body = call("os.system", "id") + b"0"
    events, error = events_of(b"\x80\x04\x95" + u64(size) + body + b"N.")
    assert [event.rule for event in events if isinstance(event, Evidence)] == ["ART-001", "ART-004"]
    assert isinstance(error, Malformed)
    assert error.law == "frame-length"


def test_what_loads_a_file_is_told_whoever_claims_to_have_made_the_wrapper() -> None:
    one = name("evil.x", "NDArrayWrapper") + b")\x81}" + text("filename") + text("/etc/x.npy") + b"sb"
    found = evidence_of(stream(b"](" + one * 3 + b"e"))
    assert sum(item.rule == "ART-002" for item in found) == 3


@pytest.mark.parametrize("data", [row.values[0] for row in EVASIONS])
def test_bypasses_are_recognised_whatever_the_file_is_called(data: bytes) -> None:
    assert pickle.probe(data[:8192])


def test_a_stream_that_reads_differently_from_a_file_is_told_in_both_readings() -> None:
    # The frame ends eight bytes into a text of twelve. From memory: the text, then STOP. From a file: those
    # eight are forgotten, the text is what lies behind the frame, and the next opcode lies behind it.
    framed = b"\x8c" + u8(12) + b"A" * 8
    data = (
        b"\x80\x04\x95"
        + u64(len(framed))
        + framed
        + b"BBBB"
        + b"." * 8
        + b"0"
        + call("os.system", "id")
        + b"."
    )
    assert rules_of(data) == {"ART-017": "frame", "ART-001": "os.system"}


def test_a_frame_that_ends_inside_bytes_reads_the_same_everywhere() -> None:
    framed = b"C" + u8(12) + b"A" * 8
    data = b"\x80\x04\x95" + u64(len(framed)) + framed + b"BBBB."
    assert set(rules_of(data)) == {"ART-003"}


def test_honest_frames_are_read_once() -> None:
    data = real_pickle.dumps([("x" * 40, index) for index in range(9000)], 4)
    assert set(rules_of(data)) == {"ART-003"}


@pytest.mark.parametrize(
    ("nested", "format_name"),
    [
        pytest.param(stream(call("os.system", "id")), "pickle", id="a pickle"),
        pytest.param(torch_legacy(state_dict({}), {}), "pytorch-legacy", id="a legacy checkpoint"),
        pytest.param(archive({"a/data.pkl": b"N."}), "zip", id="an archive"),
    ],
)
@pytest.mark.parametrize(
    "path", ["pickle.loads", "torch.storage._load_from_bytes", "dill.loads", "cloudpickle.loads"]
)
def test_bytes_that_a_loader_is_handed_are_read_like_a_file(
    nested: bytes, format_name: str, path: str
) -> None:
    derived = [event for event in events_of(stream(call(path, nested)))[0] if isinstance(event, Derived)]
    assert [(event.format, event.data) for event in derived] == [(format_name, nested)]


def test_a_tensor_that_pickles_itself_is_no_evidence() -> None:
    data = stream(call("torch.storage._load_from_bytes", torch_legacy(state_dict({}), {})))
    assert set(rules_of(data)) <= {"ART-003"}


def test_bytes_in_bytesio_are_found_too() -> None:
    inner = stream(call("os.system", "id"))
    data = stream(name("torch", "load"), call("io.BytesIO", inner), b"\x85R")
    assert [event.data for event in events_of(data)[0] if isinstance(event, Derived)] == [inner]


@pytest.mark.parametrize(
    ("unpack", "packed", "format_name"),
    [
        pytest.param("zlib.decompress", zlib.compress(b"N."), "zlib", id="zlib"),
        pytest.param("gzip.decompress", gzip.compress(b"N."), "compressed", id="gzip"),
        pytest.param("bz2.decompress", bz2.compress(b"N."), "compressed", id="bz2"),
        pytest.param("lzma.decompress", lzma.compress(b"N."), "compressed", id="xz"),
        pytest.param("base64.b64decode", base64.b64encode(b"N."), "pickle", id="base64"),
    ],
)
def test_packed_bytes_that_reach_a_loader_are_read_as_the_packed_file_is(
    unpack: str, packed: bytes, format_name: str
) -> None:
    data = stream(name("pickle", "loads"), call(unpack, packed), b"\x85R")
    assert [event.format for event in events_of(data)[0] if isinstance(event, Derived)] == [format_name]


@pytest.mark.parametrize("put", [b"r" + b"\xff" * 4, b"p2147483647\n"])
def test_a_memo_slot_that_makes_a_loader_take_gigabytes_is_told(put: bytes) -> None:
    assert "ART-013" in rules_of(b"\x80\x02N" + put + b".")


def test_slots_that_a_pickler_counts_to_are_no_evidence() -> None:
    assert set(rules_of(b"\x80\x02Nr" + (70_000).to_bytes(4, "little") + b".")) == {"ART-003"}


def test_byte_strings_that_only_look_like_pickles_are_data() -> None:
    assert set(rules_of(stream(literal({"blob": stream(call("os.system", "id"))})))) == {"ART-003"}


def test_many_calls_of_one_name_do_not_drown_the_report() -> None:
    found = evidence_of(stream(*[call("os.system", "id") + b"0"] * 5000, b"N"))
    assert 1 <= len(found) <= 100


def test_messages_are_safe_to_show_and_short() -> None:
    found = evidence_of(stream(call("os.system", "\x1b[2J\u202e" + "A" * 100_000)))[0]
    assert "\x1b" not in found.message
    assert "\u202e" not in found.message
    assert len(found.message) < 1000


# --- broken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "truncated", id="empty file"),
        pytest.param(b"\x80\x04", "truncated", id="nothing behind PROTO"),
        pytest.param(b"Hello", "unknown-opcode", id="text"),
        pytest.param(bytes(100), "unknown-opcode", id="zeros"),
        pytest.param(stream(literal([1, 2]))[:-1], "truncated", id="no STOP"),
    ],
)
def test_broken_streams_that_did_nothing_are_only_malformed(data: bytes, law: str) -> None:
    events, error = events_of(data)
    assert isinstance(error, Malformed)
    assert error.law == law
    assert [event for event in events if isinstance(event, Evidence)] == []


def test_a_break_keeps_what_was_found_before_it() -> None:
    events, error = events_of(stream(call("os.system", "id"))[:-1] + b"\xff")
    assert isinstance(error, Malformed)
    assert [event.rule for event in events if isinstance(event, Evidence)] == ["ART-001", "ART-004"]


def test_raw_data_behind_the_last_pickle_is_data() -> None:
    events, error = events_of(stream(literal({"a": 1})) + bytes(range(256)) * 4)
    assert error is None
    assert [event.rule for event in events if isinstance(event, Evidence)] == ["ART-003"]


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"])
def test_a_packed_file_with_a_pickles_name_is_left_to_its_own_row(magic: bytes) -> None:
    events, error = events_of(magic + bytes(50), by_suffix=True)
    assert (events, error) == ([], None)


HONEST = state_dict({"w": tensor("0", [2, 3])}) + real_pickle.dumps(OBJECTS[0], 4)


@settings(max_examples=250, deadline=None)
@given(cut=st.integers(0, len(HONEST)), flip=st.integers(0, len(HONEST) * 8 - 1), tail=st.binary(max_size=4))
def test_any_damage_ends_in_events_or_a_named_law(cut: int, flip: int, tail: bytes) -> None:
    damaged = bytearray(HONEST)
    damaged[flip // 8] ^= 1 << flip % 8
    for data in (HONEST[:cut], bytes(damaged), HONEST[:cut] + tail):
        _, error = events_of(data)
        assert error is None or isinstance(error, Malformed | LimitReached)


# --- is it one? -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("index", range(len(OBJECTS)))
def test_pickles_are_recognised_without_a_name(index: int, protocol: int) -> None:
    assert pickle.probe(real_pickle.dumps(OBJECTS[index], protocol)[:8192])


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\x80\x01" + call("os.system", "id") + b".", id="PROTO 1"),
        pytest.param(b"(Vid\nios\nsystem\n.", id="INST"),
        pytest.param(
            (b"(" + b"K\x01" * 5000 + b"t0" + call("os.system", "id") + b".")[:8192], id="behind much data"
        ),
        pytest.param(b"N." + b"cos\nsystem\n(Vid\ntR.", id="in a second pickle"),
        pytest.param(b"\x80\x04\x95" + u64(100_000) + b"]\x94(", id="a long frame, cut by the probe"),
        pytest.param(b"\x80\x02X" + u32(100_000) + b"abc", id="a long text, cut by the probe"),
        pytest.param(b"\x80\x02S'" + b"A" * 8192, id="a long line, cut by the probe"),
        pytest.param(b"\x80\x02S'" + b"A" * 200 + b"'\n0N.", id="a line longer than the first look"),
    ],
)
def test_pickles_of_every_age_are_recognised(head: bytes) -> None:
    assert pickle.probe(head)


def test_a_zip_whose_first_pickle_shows_through_is_no_pickle() -> None:
    # "P" asks for a persistent id up to the next line: behind it, a member's own first opcodes would run.
    inside = b"\x80\x02c_codecs\nencode\n(X\x01\0\0\0aX\x06\0\0\0latin1tR."
    assert not pickle.probe(b"PK\x03\x04\x14\0\n" + b"N0" * 30 + inside)
    assert pickle.probe(b"Pid\n0" + b"N0" * 30 + inside)


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted(path.name for path in ROOT.glob("*.*") if path.is_file()))
def test_texts_at_the_root_of_this_repository_are_not_taken_for_pickles(path: str) -> None:
    assert not pickle.probe((ROOT / path).read_bytes()[:8192])


def test_sources_of_this_repository_are_not_taken_for_pickles() -> None:
    claimed = [
        str(path)
        for folder in ("scanner", "sbom", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and path.suffix in (".py", ".json", ".csv", ".md")
        and pickle.probe(path.read_bytes()[:8192])
    ]
    assert claimed == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=300))
def test_random_texts_are_not_taken_for_pickles(value: str) -> None:
    assert not pickle.probe(value.encode())


@pytest.mark.parametrize(
    "line",
    [
        "class Foo:\n    pass\n",
        "config = 1\n",
        "(setq x 1)\n",
        "cat\nhat\nbat\n",
        "}\n",
        "]\n",
        "N\n",
        "Image data\n",
        "import os\nimport sys\n",
        "V1.0\nnotes\n",
        "S01E02\n",
        "I am\n",
        "(((((((\n",
        "1,2,3\n4,5,6\n",
        "true\n",
        "...",
    ],
)
def test_lines_that_begin_like_an_opcode_are_not_taken_for_pickles(line: str) -> None:
    assert not pickle.probe(line.encode() * 20)


# --- the policy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "qualname", "kind"),
    [
        ("os", "system", Kind.SINK),
        ("os.path", "join", Kind.STDLIB),
        ("posix", "anything_new", Kind.SINK),
        ("code", "anything", Kind.SINK),
        ("code.model", "Net", Kind.UNKNOWN),
        ("torch", "hub.load", Kind.SINK),
        ("torch.hub", "load", Kind.SINK),
        ("torch._utils", "_rebuild_tensor_v2", Kind.HONEST),
        ("torch._utils", "_import_dotted_name", Kind.UNKNOWN),
        ("collections", "OrderedDict", Kind.HONEST),
        ("collections", "OrderedDict.__init__.__globals__", Kind.SINK),
        ("collections", "_sys", Kind.STDLIB),
        ("collections", "sys.modules", Kind.SINK),
        ("sklearn.svm._classes", "SVC", Kind.HONEST),
        ("sklearn.svm._classes", "SVC2", Kind.UNKNOWN),
        ("shop", "os", Kind.SINK),
        ("__torch__.models", "Net", Kind.HONEST),
        ("__builtin__", "eval", Kind.SINK),
        ("__builtin__", "set", Kind.HONEST),
    ],
)
def test_names_are_judged_exactly(module: str, qualname: str, kind: Kind) -> None:
    assert names.classify(module, qualname).kind is kind


def test_the_data_of_the_policy_is_consistent() -> None:
    data = names._data()
    pairs = set(data.honest.pairs())
    assert len(pairs) > 2_000
    for module, qualname in pairs:
        assert data.honest.use(module, qualname) in {"call", "construct", "refer"}
        path = f"{module}.{qualname}"
        assert path not in data.sink_names, path
        assert path not in data.carries, path
    assert names.version()


UNPACKS = "spacy.tokens.doc:unpickle_doc"


def test_what_a_function_unpickles_of_its_arguments_is_read_too() -> None:
    inside = stream(call("posix.system", "id"))
    found = events_of(stream(call(UNPACKS, None, inside, b"plain")))[0]
    assert [event.data for event in found if isinstance(event, Derived)] == [inside]
    assert not rules_of(stream(call(UNPACKS, None, inside, b"plain"))).keys() & {"ART-001", "ART-002"}


def test_bytes_that_are_made_on_the_way_to_such_a_function_are_nobodys_word() -> None:
    made = name(*split(UNPACKS)) + b"(N" + call("builtins.bytes", [1]) + b"N" + b"tR"
    assert "ART-002" in rules_of(stream(made))


@pytest.mark.parametrize(
    ("path", "wanted", "args", "rule"),
    [
        pytest.param("dill._dill:_load_type", "slice", (0, 3, None), "ART-003", id="dill, a builtin"),
        pytest.param("dill._dill:_load_type", "CodeType", (0, 0), "ART-002", id="dill, bytecode"),
        pytest.param("dill._dill:_load_type", "eval", ("1",), "ART-001", id="dill, what is no type"),
        pytest.param(
            "cloudpickle.cloudpickle:_builtin_type", "FunctionType", (0,), "ART-002", id="a function"
        ),
        pytest.param(
            "cloudpickle.cloudpickle:_builtin_type", "sys.exit", (0,), "ART-001", id="a way out of types"
        ),
    ],
)
def test_types_that_are_fetched_by_name_are_judged_as_if_imported(
    path: str, wanted: str, args: tuple[object, ...], rule: str
) -> None:
    assert rule in rules_of(stream(call(path, wanted), literal(args), b"R"))
