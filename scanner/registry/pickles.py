"""Pickles and what is made of them: PyTorch, NumPy, the dialects of joblib, dill and cloudpickle."""

from collections.abc import Iterator

from scanner.model import Asked, Event, Source, Subject, Table
from scanner.registry.rows import Format

# First bytes of the opcodes that need nothing before them: PROTO, FRAME, MARK, GLOBAL, the empty containers,
# the literals, names by number, persistent ids.
_PICKLE_STARTS = tuple(
    bytes([code])
    for code in b"\x80\x95(c]})\x8fISVNTUXBCKMJLFGP\x8c\x8d\x8e\x88\x89\x8a\x8b\x96\x82\x83\x84\x97"
)

_TORCH = (".pt", ".pth", ".ckpt", ".pt2", ".ptl")


def _pickle(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pickle

    return pickle.inspect(subject)


def _is_pickle(head: bytes, tail: bytes) -> bool:
    del tail
    if head[:1] not in _PICKLE_STARTS:
        return False
    from scanner.artifacts import pickle

    return pickle.probe(head)


def _is_pickle_on(head: bytes, source: Source) -> bool:
    """Whether a file that goes on behind ``head`` is one."""
    if head[:1] not in _PICKLE_STARTS:
        return False
    from scanner.artifacts import pickle

    return pickle.probe(head, source)


def _torch_legacy(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pytorch

    return pytorch.inspect_legacy(subject)


def _torch_zip(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pytorch

    return pytorch.inspect_zip(subject)


def _pickle_account(subject: Subject, asked: Asked) -> Iterator[Table]:
    from scanner.artifacts.accounts import pickles

    return pickles.account(subject, asked)


def _array_account(subject: Subject, asked: Asked) -> Iterator[Table]:
    from scanner.artifacts.accounts import tensors

    return tensors.numpy(subject, asked)


def _numpy(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import numpy

    return numpy.inspect(subject)


def _path_file(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import path_file

    return path_file.inspect(subject)


def _start_up(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import startup

    return startup.inspect(subject)


def _torchscript(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import torchscript

    return torchscript.inspect(subject)


def _torch_package(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import torchscript

    return torchscript.inspect_package(subject)


def _names_member(head: bytes, tail: bytes, name: bytes) -> bool:
    """Whether a zip's directory, or its first header where the directory is too long to see, has the name.

    Not whether the tail has it: an archive that stands as a member in this one names its own members there.
    """
    if not _is_zip(head, tail):
        return False
    end = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    whole = end >= 0 and size < end
    # 98 bytes: the records of 64 bits that may stand between the directory and its end.
    if whole:
        return name in tail[max(0, end - size - 98) : end]
    return name in tail or name in head[:512]


def _torch_shard(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pytorch_shard

    return pytorch_shard.inspect(subject)


def _is_torch_package(head: bytes, tail: bytes) -> bool:
    return _names_member(head, tail, b"/.data/extern_modules")


def _is_zip(head: bytes, tail: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) or b"PK\x05\x06" in tail


def _is_torch_zip(head: bytes, tail: bytes) -> bool:
    return _names_member(head, tail, b"/data.pkl")


def _is_torch_legacy(head: bytes, tail: bytes) -> bool:
    del tail
    return b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in head[:32]


def _is_never(head: bytes, tail: bytes) -> bool:
    # Text has no mark: the name speaks for this row, and only where the content speaks for no other.
    del head, tail
    return False


PICKLES: tuple[Format, ...] = (
    Format(
        "python-path",
        "Python path file (.pth of site-packages)",
        suffixes=(".pth",),
        sniff=_is_never,
        inspect=_path_file,
        promises="code",
        model=False,
    ),
    Format(
        "python-start",
        "Python module that runs at each start (sitecustomize, editable installs)",
        names=(
            "sitecustomize.py",
            "usercustomize.py",
            "_virtualenv.py",
            "__editable___*_finder.py",
            "_editable_impl_*.py",
        ),
        inspect=_start_up,
        promises="code",
        model=False,
    ),
    Format(
        "pytorch-legacy",
        "PyTorch checkpoint before 1.6 (pickles and raw storages)",
        suffixes=_TORCH,
        sniff=_is_torch_legacy,
        inspect=_torch_legacy,
        account=_pickle_account,
        promises="code",
        covers=("pickle",),
    ),
    Format(
        "pytorch-zip",
        "PyTorch checkpoint or TorchScript archive (zip), with its code",
        suffixes=_TORCH,
        sniff=_is_torch_zip,
        inspect=_torch_zip,
        promises="code",
    ),
    Format(
        "pytorch-shard",
        "PyTorch distributed checkpoint (items of one shard)",
        suffixes=(".distcp",),
        inspect=_torch_shard,
        promises="code",
        container=True,
        covers=("zip", "pytorch-zip", "torch-package"),
    ),
    Format(
        "torch-package",
        "torch.package archive (Python source and pickles)",
        sniff=_is_torch_package,
        inspect=_torch_package,
        promises="code",
    ),
    Format(
        "torchscript-code",
        "TorchScript code",
        sniff=_is_never,
        inspect=_torchscript,
        model=False,
    ),
    Format(
        "pickle",
        "Python pickle, with its dialects joblib, dill and cloudpickle",
        suffixes=(
            ".pkl",
            ".pickle",
            ".pck",
            ".pcl",
            ".pkl2",
            ".pkl5",
            ".joblib",
            ".dill",
            ".cloudpickle",
            *_TORCH,
            ".pdparams",
            ".pdopt",
        ),
        sniff=_is_pickle,
        sniff_on=_is_pickle_on,
        inspect=_pickle,
        account=_pickle_account,
        promises="code",
        weak=True,
    ),
    Format(
        "numpy",
        "NumPy array, whose object arrays hold a pickle",
        suffixes=(".npy",),
        magic=((0, b"\x93NUMPY"),),
        inspect=_numpy,
        account=_array_account,
    ),
)
