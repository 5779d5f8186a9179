"""A defect of ours never looks like a verdict."""

import subprocess
import sys


def test_a_command_that_cannot_be_imported_is_no_finding() -> None:
    program = "import sys; sys.modules['scanner.cli.app'] = None; from scanner.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "scan"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "a defect of weighbridge; please report it" in done.stderr
