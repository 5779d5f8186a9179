"""Coverage-guided fuzzing of one row's inspector, with atheris: ``python -m tests.fuzz.guided pickle``.

Wants ``tests/fuzz/requirements.txt`` beside the runtime's. More arguments are libFuzzer's (``-runs=1000``).
"""

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["scanner"]):
    from sbom.model import Location
    from scanner.examine import examine
    from scanner.files.source import BytesSource
    from scanner.limits import MIB, Limits
    from scanner.registry import BY_NAME

LIMITS = Limits(inflated_bytes=32 * MIB, container_members=2000, pickle_ops=2_000_000, evidence_rows=500)


def main() -> None:
    row = BY_NAME[sys.argv.pop(1)]
    name = f"file{row.suffixes[0]}" if row.suffixes else (row.names or ("file",))[0]

    def target(data: bytes) -> None:
        for _ in examine(BytesSource(data), Location(name), name, LIMITS):
            pass

    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
