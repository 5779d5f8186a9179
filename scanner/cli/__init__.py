"""The command line: thin. Parses, calls the pipeline, writes reports, returns its exit code."""

import gc
import os
import sys
from collections.abc import Callable
from typing import NoReturn

_OBJECTS = 100_000  # new ones between two looks for cycles: some ten megabytes


def main() -> NoReturn:
    """Runs the command that the arguments name and exits with its code."""
    # What is imported and read stays until the end: looking through it for cycles again and again, and once
    # more at the exit, took 14 of the 87 ms of a hook. Cycles that a long scan makes are still collected.
    _stand_in()
    gc.set_threshold(_OBJECTS, 20, 20)
    code = _guarded(_run)
    gc.freeze()
    sys.exit(code)


def _stand_in() -> None:
    """Puts nothing in the place of closed standard streams, where the next file that is opened would come."""
    for stream, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            try:
                os.fstat(stream)
            except OSError:
                os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(stream, "w" if stream else "r", closefd=False))  # noqa: SIM115


def _run() -> int:
    return _command()()  # inside the guard: what a command imports may fail, too


def _command() -> Callable[[], int]:
    # A pre-commit hook pays for start-up on every commit, and typer costs five bare interpreters: the hook
    # has a parser of its own.
    if sys.argv[1:2] == ["hook"]:
        from scanner.cli import hook

        return lambda: hook.main(sys.argv[2:])
    from scanner.cli.app import run

    return run


def _guarded(command: Callable[[], int]) -> int:
    """The command's exit code; what went wrong on standard error, and 2.

    Never 1 for a failure of ours: 1 means findings.
    """
    from scanner.errors import ScanError
    from scanner.text import visible

    try:
        return command()
    except ScanError as error:
        sys.stderr.write(f"weighbridge: {visible(str(error))}\n")
        return 2
    except OSError as error:
        said = _of_the_system(error)
        if not said:
            return _defect()
        sys.stderr.write(f"weighbridge: {visible(said, limit=1000)}\n")
        return 2
    except MemoryError:
        sys.stderr.write("weighbridge: there is not enough memory for this\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("weighbridge: interrupted\n")
        return 130
    except Exception:  # noqa: BLE001  (the last door: a defect must not look like a verdict)
        return _defect()


def _of_the_system(error: OSError) -> str:
    """What the machine lacks, in words; nothing where the error must be a defect of ours."""
    import errno

    try:
        os.getcwd()  # noqa: PTH109  (a path of it is not wanted)
    except OSError:
        return "the working directory is gone or cannot be read: change to another one"
    lacking = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
    place = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return f"{error.strerror}{place}" if error.errno in lacking else ""


def _defect() -> int:
    import traceback

    from scanner.text import visible

    lines = (visible(line, limit=1000) for line in traceback.format_exc().splitlines())
    sys.stderr.write("\n".join(lines) + "\nweighbridge: a defect of weighbridge; please report it\n")
    return 2
