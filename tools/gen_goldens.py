"""Writes the bills of materials of the sample projects anew, as tests/sbom/goldens holds them.

``python tools/gen_goldens.py`` writes them; ``--check`` only says whether they are stale (exit code 1). The
clock, the serial number and the versions of the program and its rules are taken out, and so are the words of
findings: what is left changes only where the document itself does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = ROOT / "tests" / "sbom" / "goldens"
PROJECTS = (("clean", "1.6"), ("hostile", "1.6"), ("tampered", "1.6"), ("typical", "1.6"), ("typical", "1.7"))
_WORDS = frozenset({"description", "detail", "recommendation", "properties", "advisories", "cwes"})

Json = dict[str, Any]


def golden(project: str, spec: str, samples: Path = ROOT / "sample_projects") -> str:
    """The document of a sample project as it is compared, one key a line."""
    command = [sys.executable, "-m", "scanner", "sbom", "write", str(samples / project), "--spec", spec]
    done = subprocess.run(
        [*command, "--no-advisories"],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    if not done.stdout:
        raise SystemExit(f"{project}: {done.stderr.decode()}")
    return json.dumps(settled(json.loads(done.stdout)), indent=1) + "\n"


def settled(document: Json) -> Json:
    """The document without what changes with the program rather than with the project."""
    document["serialNumber"] = "urn:uuid:00000000-0000-0000-0000-000000000000"
    metadata = document["metadata"]
    for tool in metadata["tools"]["components"]:
        tool.pop("version", None)
        tool.pop("hashes", None)
        tool.pop("description", None)
    metadata["properties"] = [{"name": row["name"]} for row in metadata.get("properties", [])]
    # The samples lie in no repository of their own where the program was unpacked.
    for key in ("externalReferences", "pedigree", "purl"):
        metadata["component"].pop(key, None)
    for row in document.get("vulnerabilities", []):
        for key in _WORDS & set(row):
            del row[key]
        for rating in row["ratings"]:
            rating.pop("justification", None)
    for note in document.get("annotations", []):
        note["annotator"]["component"].pop("version", None)
        note["text"] = ""
    return document


def main() -> int:
    """Writes the goldens, or checks them."""
    stale = 0
    GOLDENS.mkdir(parents=True, exist_ok=True)
    for project, spec in PROJECTS:
        path = GOLDENS / f"{project}-{spec}.json"
        text = golden(project, spec)
        if "--check" in sys.argv:
            same = path.exists() and path.read_text() == text
            stale += not same
            print(f"{'ok   ' if same else 'stale'} {path.relative_to(ROOT)}")
        else:
            path.write_text(text)
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
