"""weighbridge: weighs what an ML repository is about to load before it may pass the gate.

The stable Python API is two functions, both of which only read:

- ``scan(path, policy)`` returns a ``Report`` on a whole checkout;
- ``inspect(path)`` returns the ``Artifact`` that one file is.

Everything else in this package may change between minor versions.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.model import Artifact, Report
    from scanner.policy import Policy

__all__ = ["__version__", "inspect", "scan"]

__version__ = "0.1.0"


def scan(path: "str | Path", policy: "Policy | None" = None) -> "Report":
    """The report on the tree (or the single file) at ``path``, judged by ``policy``.

    Nothing in the tree is executed, imported or unpickled, and no network is used.

    Raises ScanError where the path or the policy cannot be used at all; whatever goes
    wrong with a single file becomes an outcome in the report instead.
    """
    from scanner.pipeline import scan as run

    return run(path, policy)


def inspect(path: "str | Path") -> "Artifact":
    """What one model file is, holds and would do when it is loaded.

    Raises ScanError where the file cannot be opened.
    """
    from scanner.pipeline import inspect as run

    return run(path)
