"""HDF5 whose structure breaks off or is not followed: its bytes searched for configurations of Keras.

Law: the HDF5 file format specification keeps a text attribute whole, wherever in the file it lies; Keras
keeps ``model_config`` and ``training_config`` as such.
"""

import json
import re
from collections.abc import Generator, Iterator

from scanner.artifacts import keras_config
from scanner.errors import LimitReached
from scanner.limits import MIB
from scanner.model import Event, Subject

_WINDOW = 4 * MIB
_LONGEST = 16 * MIB  # one configuration
_WORK = 128 * MIB  # bytes looked through in search of an object's end, over the whole file
_TRIES = 2_000  # beginnings of an object that are read as JSON
_BEGIN = re.compile(rb'\{\s{0,64}"(?:[^"\\\x00-\x1f]|\\[\x20-\x7e]){1,80}"\s{0,64}:')
_DEPTH = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


def search(subject: Subject) -> Iterator[Event]:
    """Evidence and facts of every Keras configuration that the bytes hold.

    Raises LimitReached where they hold too much that begins like one.
    """
    source = subject.source
    at, tries = 0, 0
    work = [_WORK]
    while at < source.size:
        window = source.read_at(at, _WINDOW + 512)
        found = _BEGIN.search(window)
        while found is not None and found.start() < _WINDOW:
            tries += 1
            if tries > _TRIES:
                raise LimitReached("objects in an HDF5 file", allowed=_TRIES, offset=at + found.start())
            end = yield from _read(subject, at + found.start(), work)
            if end > at + found.end():
                # Behind a configuration the search goes on, so that none is looked at twice.
                at, window = end, source.read_at(end, _WINDOW + 512)
                found = _BEGIN.search(window)
            else:
                found = _BEGIN.search(window, found.end() - 1)
        at += _WINDOW


def _read(subject: Subject, at: int, work: list[int]) -> Generator[Event, None, int]:
    """Judges the object at ``at``; where it ended, or ``at`` where it is none."""
    source = subject.source
    size = 64 * 1024
    while True:
        work[0] -= size
        if work[0] < 0:
            raise LimitReached("search of an HDF5 file", allowed=_WORK, offset=at)
        # No text of an attribute goes on behind a zero byte.
        data = source.read_at(at, size).partition(b"\0")
        text = data[0].decode("utf-8", "surrogateescape")
        end = _end(text, subject.limits.nesting)
        if end or size >= _LONGEST or at + size >= source.size or data[1]:
            break
        size *= 4
    if not end:
        return at
    try:
        value = json.loads(text[:end])
    except (ValueError, RecursionError):
        return at
    if isinstance(value, dict):
        yield from keras_config.judge(value, subject)
    return at + len(text[:end].encode("utf-8", "surrogateescape"))


def _end(text: str, nesting: int) -> int:
    depth = 0
    for found in _DEPTH.finditer(text):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth == 0:
            return found.end()
        if depth > nesting:
            raise LimitReached("nesting", allowed=nesting)
    return 0
