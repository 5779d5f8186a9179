"""Programs: machine code and compiled Python."""

from collections.abc import Iterator

from scanner.model import Event, Subject
from scanner.registry.rows import Format


def _program(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import program

    return program.inspect(subject)


def _is_pe(head: bytes, tail: bytes) -> bool:
    del tail
    at = int.from_bytes(head[60:64], "little")
    return head[:2] == b"MZ" and (head[at : at + 4] == b"PE\0\0" or head.startswith(b"MZqFpD"))


def _is_bytecode(head: bytes, tail: bytes) -> bool:
    del tail
    # A CPython magic is a 16-bit number and "\r\n"; the numbers in use lie between 3000 and 3999.
    return (
        head[2:4] == b"\r\n" and 3000 <= int.from_bytes(head[:2], "little") < 4000 and b"\xe3" in head[8:20]
    )


def _only_behind_weights(head: bytes, tail: bytes) -> bool:
    # A script is nobody's business but under a name of weights: registry/formats.py asks for both.
    del head, tail
    return False


def is_script(head: bytes) -> bool:
    """Whether the bytes name their interpreter, or are a batch file."""
    return head.startswith((b"#!/", b"#! /", b"#!\\")) or head[:9].lower() == b"@echo off"


PROGRAMS: tuple[Format, ...] = (
    Format(
        "native-library",
        "Shared library or executable (ELF, Mach-O, PE, cosmopolitan)",
        suffixes=(".so", ".dylib", ".dll", ".exe", ".pyd", ".llamafile"),
        magic=(
            (0, b"\x7fELF"),
            (0, b"\xcf\xfa\xed\xfe"),
            (0, b"\xce\xfa\xed\xfe"),
            (0, b"\xfe\xed\xfa\xcf"),
            (0, b"\xfe\xed\xfa\xce"),
            (0, b"\xca\xfe\xba\xbe\0\0\0"),
            (0, b"jartsr='"),
            (0, b"APEDBG='"),
        ),
        sniff=_is_pe,
        inspect=_program,
        searched="an archive in it is opened",
        promises="code",
        model=False,
    ),
    Format(
        "python-bytecode",
        "Compiled Python",
        suffixes=(".pyc", ".pyo"),
        sniff=_is_bytecode,
        promises="code",
        model=False,
    ),
    Format(
        "script",
        "Script (shell, Python, batch) under a name of weights",
        sniff=_only_behind_weights,
        promises="code",
        model=False,
    ),
)
