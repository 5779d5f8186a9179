"""Makes the corpus of the benchmarks, and only what is missing or was made for another size.

    python benchmarks/corpus.py [--quick]

Nothing here is random from run to run: seeds, dates and sizes are fixed, so that two machines measure the
same bytes. A program of its own, because a process that has held a gigabyte would spoil the memory that is
measured of its children.
"""

import argparse
import hashlib
import json
import pickle
import random
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
MIB = 1024 * 1024
SEED = 20261121


@dataclass(frozen=True)
class Sizes:
    """How large each part is."""

    checkpoint_mib: int = 1024
    tokens: int = 600_000
    small_files: int = 5_000
    pins: int = 2_000


FULL = Sizes()
QUICK = Sizes(checkpoint_mib=128, tokens=60_000, small_files=500, pins=200)


def checkpoint(folder: Path, sizes: Sizes) -> None:
    """A PyTorch checkpoint: stored members of 32 MiB, each the same block of noise, turned a little."""
    noise = random.Random(SEED).randbytes(MIB)
    tensors = max(sizes.checkpoint_mib // 32, 1)
    per_tensor = sizes.checkpoint_mib // tensors
    stamp = (1980, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(folder / "checkpoint.pt", "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        archive.writestr(zipfile.ZipInfo("checkpoint/data.pkl", stamp), state_dict(tensors, per_tensor * MIB))
        archive.writestr(zipfile.ZipInfo("checkpoint/byteorder", stamp), b"little")
        for index in range(tensors):
            info = zipfile.ZipInfo(f"checkpoint/data/{index}", stamp)
            info.file_size = per_tensor * MIB
            with archive.open(info, "w") as member:
                for part in range(per_tensor):
                    turn = (index * 31 + part * 7919) % MIB
                    member.write(noise[turn:])
                    member.write(noise[:turn])
        archive.writestr(zipfile.ZipInfo("checkpoint/version", stamp), b"3\n")


def state_dict(tensors: int, size: int) -> bytes:
    """The pickle of a state dict with so many float tensors of ``size`` bytes, as PyTorch writes it."""
    out = bytearray(b"\x80\x02ccollections\nOrderedDict\n)R(")
    for index in range(tensors):
        name, key = f"layers.{index}.weight".encode(), str(index).encode()
        out += b"X" + struct.pack("<I", len(name)) + name
        out += b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
        out += b"X" + struct.pack("<I", len(key)) + key + b"X\x03\0\0\0cpuJ" + struct.pack("<i", size // 4)
        out += b"tQK\0J" + struct.pack("<i", size // 4 // 1024) + b"M\0\x04\x86M\0\x04K\x01\x86"
        out += b"\x89ccollections\nOrderedDict\n)RtR"
    return bytes(out + b"u.")


def vocabulary(folder: Path, sizes: Sizes) -> None:
    """Pickles that are all opcodes: a vocabulary, as tokenizers keep one, in three protocols, and tuples."""
    rng = random.Random(SEED)
    letters = "abcdefghijklmnopqrstuvwxyzäöüéñ·"
    tokens = {f"{''.join(rng.choices(letters, k=rng.randint(2, 11)))}{i:x}": i for i in range(sizes.tokens)}
    for protocol in (4, 2, 0):
        (folder / f"vocabulary-p{protocol}.pkl").write_bytes(pickle.dumps(tokens, protocol))
    pairs = [(i, i * 0.5, str(i % 97)) for i in range(sizes.tokens // 2)]
    (folder / "tuples-p4.pkl").write_bytes(pickle.dumps(pairs, 4))


def small_files(folder: Path, sizes: Sizes) -> None:
    """Files of the kinds and sizes that repositories hold, in folders of a hundred."""
    rng = random.Random(SEED)
    kinds: tuple[tuple[str, Callable[[], bytes]], ...] = (
        (".pkl", lambda: pickle.dumps({f"k{i}": i for i in range(rng.randint(3, 40))}, 4)),
        (".py", lambda: b"import numpy\n\n\ndef f(x):\n    return numpy.abs(x)\n" * rng.randint(1, 30)),
        (".json", lambda: json.dumps({f"key{i}": i for i in range(rng.randint(3, 60))}).encode()),
        (".safetensors", lambda: tiny_safetensors(rng.randint(1, 64))),
        (".md", lambda: b"# Title\n\nSome words about the model.\n" * rng.randint(1, 40)),
        (".txt", lambda: b"one line of a vocabulary\n" * rng.randint(1, 200)),
        (".png", lambda: b"\x89PNG\r\n\x1a\n" + rng.randbytes(rng.randint(100, 8000))),
        (".yaml", lambda: b"learning_rate: 0.001\nlayers: [1, 2, 3]\n" * rng.randint(1, 30)),
        (".npy", lambda: b"\x93NUMPY\x01\0" + rng.randbytes(rng.randint(100, 4000))),
        ("", lambda: rng.randbytes(rng.randint(0, 2000))),
    )
    for index in range(sizes.small_files):
        suffix, make = kinds[index % len(kinds)]
        path = folder / f"part-{index // 100:03}" / f"file-{index:05}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make())


def tiny_safetensors(count: int) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4 * count)


def requirements(folder: Path, sizes: Sizes) -> None:
    """Pins of real packages that advisories know, and of as many made-up ones as are wanted."""
    real = ["torch==1.13.0+cu117", "mlflow==2.3.0", "Pillow==9.0.0", "tensorflow==2.4.0", "jinja2==2.10"]
    pins = real + [f"made-up-package-{i:04}=={i % 9}.{i % 17}.{i % 5}" for i in range(sizes.pins - len(real))]
    (folder / "requirements.txt").write_text("\n".join(pins) + "\n")


def hooks(folder: Path, _: Sizes) -> None:
    """What a commit hands to the hook: one small pickle, one small requirements file."""
    small = pickle.dumps({"weights": [i / 7 for i in range(100)], "classes": ["a", "b"]}, 4)
    (folder / "small.pkl").write_bytes(small)
    names = ["requests==2.32.3", "packaging==24.1", "urllib3==2.2.2", "tqdm==4.66.4"]
    (folder / "requirements.txt").write_text("\n".join(names) + "\n")
    for number in range(40):  # 200 files of five kinds, as a large commit has them
        at = folder / "mixed" / f"part{number}"
        at.mkdir(parents=True)
        (at / "model.pkl").write_bytes(pickle.dumps({"weights": [number / 7 for _ in range(100)]}, 4))
        header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
        (at / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
        (at / "train.py").write_text(
            f"import torch\n\nEPOCHS = {number}\n\n\ndef train(x):\n    return x + EPOCHS\n"
        )
        (at / "config.yaml").write_text(f"epochs: {number}\nrate: 0.1\n")
        (at / "requirements.txt").write_text("\n".join(names) + "\n")


PARTS: dict[str, Callable[[Path, Sizes], None]] = {
    "checkpoint": checkpoint,
    "vocabulary": vocabulary,
    "small": small_files,
    "pins": requirements,
    "hook": hooks,
}


def make(part: str, sizes: Sizes) -> Path:
    """The folder of one part, made anew where it is not whole or not of these sizes."""
    folder = CORPUS / part
    # This file is part of the mark: whoever changes how the corpus is made gets another corpus.
    made_by = Path(__file__).read_text()
    wanted = hashlib.sha256(json.dumps([asdict(sizes), made_by]).encode()).hexdigest()
    mark = CORPUS / f"{part}.made"
    if folder.is_dir() and mark.is_file() and mark.read_text() == wanted:
        return folder
    mark.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    PARTS[part](folder, sizes)
    mark.write_text(wanted)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the corpus of the benchmarks.")
    parser.add_argument("--quick", action="store_true", help="an eighth to a tenth of the size")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)}")
    options = parser.parse_args()
    for wrong in set(options.parts) - set(PARTS):
        parser.error(f"no such part: {wrong}")
    for part in options.parts or PARTS:
        print(make(part, QUICK if options.quick else FULL))
    return 0


if __name__ == "__main__":
    sys.exit(main())
