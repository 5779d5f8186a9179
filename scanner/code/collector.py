"""Keeping the collector of cycles out of the way of what has none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keeps the collector away from trees and summaries: it would walk every node again and again.

    That is a fifth of the time that a file takes, and most of what a summary takes to cross a pipe. Neither
    has circles.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
