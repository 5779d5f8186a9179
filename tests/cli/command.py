"""The real command, run as a user runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests import written

_DOCUMENT = b'{\n"$schema": "http://cyclonedx.org/schema/'
_SPDX = b'{\n"@context": "https://spdx.org/'
_OUTPUT = frozenset({"-o", "--output"})
WEIGHBRIDGE = Path(sys.executable).with_name("weighbridge")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output read as one JSON document, which fails where anything else was printed there."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


def weighbridge(
    *arguments: str | Path, cwd: Path, cache: Path | None = None, stdin: bytes = b"", **environment: str
) -> Done:
    """Runs ``weighbridge`` with a cache of its own, so that no snapshot of this machine is met."""
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("WEIGHBRIDGE_", "FORCE_"))},
        "WEIGHBRIDGE_CONFIG": str(cwd.parent / "no-config.toml"),
        "WEIGHBRIDGE_CACHE_DIR": str(cache or cwd.parent / f"{cwd.name}-cache"),
        "PYTHONUTF8": "1",
        **environment,
    }
    done = subprocess.run(
        [WEIGHBRIDGE, *map(str, arguments)],
        cwd=cwd,
        env=variables,
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    for data in (done.stdout, *_files(arguments, cwd)):
        if data.startswith(_DOCUMENT):
            written.hold(data)
        if data.startswith(_SPDX):
            written.hold_spdx(data)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def _files(arguments: Sequence[str | Path], cwd: Path) -> Iterator[bytes]:
    """What stands in the files that the command was told to write: ``-o FILE``, or ``-o FORM=FILE``."""
    said = [str(one) for one in arguments]
    named = [value for option, value in pairwise(said) if option in _OUTPUT]
    named += [one.partition("=")[2] for one in said if one.startswith("--output=")]
    for name in named:
        for path in (cwd / name, cwd / name.partition("=")[2]):
            if path.is_file():
                yield path.read_bytes()
