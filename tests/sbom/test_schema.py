"""Without jsonschema the schema is not asked, and nobody is told that it was."""

import json
import subprocess
import sys
from pathlib import Path

from tests.sbom import documents


def test_a_schema_that_cannot_be_asked_is_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "bom.json").write_text(json.dumps(documents.MODEL))
    script = (
        "import sys; sys.modules['jsonschema'] = None\n"
        "sys.argv = ['weighbridge', 'sbom', 'check', 'bom.json']\n"
        "from scanner.cli import main\nsys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert b"no problem. The schema itself was not checked: jsonschema is not installed" in done.stdout
