"""A line on standard error that says how far long work is: on a terminal, never in a log."""

import os
import sys
import threading
import time
from typing import Final, TextIO

from scanner import progress
from scanner.progress import Progress
from scanner.reports.page import cells
from scanner.reports.words import size
from scanner.text import visible

_FIRST_S: Final = 0.4  # work that is done by then needs no line
_EACH_S: Final = 0.1
_ERASE: Final = "\r\x1b[2K"


def is_wanted(stream: TextIO) -> bool:
    """Whether a line that is written over and over would be seen: on a terminal that can, outside of CI."""
    environment = os.environ
    return stream.isatty() and environment.get("TERM", "dumb") != "dumb" and not environment.get("CI")


class Line:
    """The line, drawn by a thread from what was heard last, so that it moves while one file is read."""

    def __init__(self, stream: TextIO, width: int) -> None:
        self._stream, self._width = stream, width
        self._said = Progress("looking around")
        self._begun = time.monotonic()
        self._drawn = ""
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._draw, daemon=True)

    def start(self) -> None:
        """From now on the line stands there."""
        progress.watch(self._hear)
        self._thread.start()

    def _end(self) -> None:
        self._over.set()
        self._thread.join()
        self.erase()

    def erase(self) -> None:
        """Makes room for a line that stays."""
        with self._turn:
            if self._drawn:
                self._stream.write(_ERASE)
                self._stream.flush()
                self._drawn = ""

    def _hear(self, said: Progress | None) -> None:
        if said is None:
            self._end()
        else:
            self._said = said

    def _draw(self) -> None:
        wait = _FIRST_S
        while not self._over.wait(wait):
            wait = _EACH_S
            line = in_words(self._said, time.monotonic() - self._begun, self._width - 1)
            with self._turn:
                if line != self._drawn:
                    self._stream.write(_ERASE + line)
                    self._stream.flush()
                    self._drawn = line


def in_words(said: Progress, seconds: float, width: int) -> str:
    """``reading files: 120 of 5,000, 1.2 GB of 4.5 GB, 3 s``, cut to the width of the terminal."""
    parts = []
    if said.of:
        parts.append(f"{said.done:,} of {said.of:,}")
    elif said.done:
        parts.append(f"{said.done:,}")
    if said.of_bytes:
        parts.append(f"{size(said.bytes)} of {size(said.of_bytes)}")
    elif said.bytes:
        parts.append(size(said.bytes))
    told = f": {', '.join(parts)}" if parts else ""
    text = f"weighbridge: {visible(said.doing, limit=60)}{told}, {seconds:.0f} s"
    while cells(text) > width:
        text = text[:-1]
    return text


_lines: list[Line] = []  # at most one


def begin() -> None:
    """Shows how far the work is from now on, where a terminal would show it."""
    if not is_wanted(sys.stderr):
        return
    import shutil  # pulls three decompressors

    end()
    _lines.append(Line(sys.stderr, shutil.get_terminal_size((80, 24)).columns))
    _lines[0].start()


def end() -> None:
    """Takes the line away before anything is printed that is to stay."""
    progress.watch(None)
    _lines.clear()


def say(text: str) -> None:
    """One line on standard error that stays, above the one that moves."""
    for line in _lines:
        line.erase()
    sys.stderr.write(f"weighbridge: {visible(text, limit=2000)}\n")
