"""A worker: reads jobs as lines, tells their steps as lines, and may be killed at any point.

Started as a script by an isolated interpreter (``-I``): neither the working directory nor the environment
says what is imported.
"""

import gc
import os
import sys

_OBJECTS = 100_000  # new ones between two looks for cycles: what is imported makes none


def _find_ourselves() -> None:
    """Imports our packages from where this file lies, then puts the folder last.

    Behind the standard library and site-packages, so that nothing beside our packages can stand in front.
    """
    # Not by pathlib: to import it would be a tenth of a worker's start.
    root = os.path.realpath(os.path.join(os.path.realpath(__file__), *[os.pardir] * 3))  # noqa: PTH118
    sys.path.insert(0, root)
    import sbom  # noqa: F401
    import scanner  # noqa: F401

    sys.path.remove(root)
    sys.path.append(root)


def _cap_memory(extra: int) -> None:
    """Caps the address space at what is used now plus ``extra`` bytes, where the system can."""
    try:
        import resource
    except ImportError:
        return  # no such module on this system: byte caps and the deadline must suffice
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + extra, used + extra))
    except (OSError, ValueError):
        return  # macOS has no statm and ignores the cap: the same two suffice


def main() -> None:
    """Serves jobs until the supervisor closes the pipe."""
    from scanner.isolate.weigh import tell
    from scanner.isolate.wire import decode_job, encode_end, encode_step
    from scanner.limits import Limits

    # Only we write to the supervisor: whatever else prints in this process prints into nothing.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    capped = False
    for line in sys.stdin.buffer:
        if line.startswith(b'{"python"'):
            from scanner.isolate import python

            if not capped:
                _cap_memory(Limits().worker_memory_bytes)
                capped = True
            for answer in python.answers(line):
                _write(out.fileno(), answer)
            continue
        job, limits = decode_job(line)
        if not capped:
            _cap_memory(limits.worker_memory_bytes)
            capped = True
        digests = tell(job, limits, lambda step: _write(out.fileno(), encode_step(step)))
        _write(out.fileno(), encode_end(digests))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    gc.set_threshold(_OBJECTS, 20, 20)
    _find_ourselves()
    main()
    os._exit(
        0
    )  # everything was written: to take the interpreter apart would cost a tenth of a worker's start
