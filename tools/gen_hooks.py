"""Writes the patterns of .pre-commit-hooks.yaml from the registry, so that no format is forgotten there.

``python tools/gen_hooks.py`` writes them; ``--check`` only says whether they are stale (exit code 1).
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / ".pre-commit-hooks.yaml"

# Rows that name what is loaded beside what it depends on: they go where the loaded files go.
_LOADED = {
    "script",
    "notebook",
    "hub-files",
    "hub-card",
    "wheel",
    "sdist",
    "dist-info",
    "egg-info",
    "egg-info-file",
    "conda-meta",
    "ray",
    "skypilot",
    "kubernetes",
    "helm-values",
}


def pattern(glob: str, star: str = "[^/]*") -> str:
    """A glob as a regular expression; ``star`` is what its star stands for."""
    parts = re.split(r"(\*|\?|\[[^\]]+\])", glob)
    kinds = {"*": star, "?": "[^/]"}
    return "".join(
        kinds.get(part) or (part.replace("[!", "[^") if part.startswith("[") else re.escape(part))
        for part in parts
    ).replace(r"\-", "-")


def placed(names: Iterable[str], folders: Iterable[str]) -> str:
    """File names, in folders where only those count, as one alternative."""
    either = "|".join(dict.fromkeys(map(pattern, names)))
    if not folders:
        return f"(^|/)({either})$"
    return f"^({'|'.join(pattern(folder, '.*') for folder in folders)})/({either})$"


def dependencies() -> str:
    """What weighbridge-deps is called for: manifests and locks."""
    from scanner.registry import MANIFESTS

    rows = [row for row in MANIFESTS if row.name not in _LOADED]
    plain = [name for row in rows if not row.folders for name in row.names]
    return "(?i)" + "|".join(
        [placed(plain, ()), *(placed(row.names, row.folders) for row in rows if row.folders)]
    )


def loaded() -> str:
    """What weighbridge-artifacts is called for: model files, archives, notebooks, code that loads."""
    from scanner.registry import FORMATS, MANIFESTS

    beside = [row for row in MANIFESTS if row.name in _LOADED]
    suffixes = dict.fromkeys(suffix for row in FORMATS for suffix in row.suffixes)
    names = [
        *(name for row in FORMATS for name in row.names),
        *(name for row in beside if not row.folders for name in row.names),
    ]
    placed_rows = [placed(row.names, row.folders) for row in beside if row.folders]
    ends = "|".join(sorted((pattern(each.removeprefix(".")) for each in suffixes), key=lambda s: (len(s), s)))
    return "(?i)" + "|".join([rf"\.({ends}|bin|py|ipynb)$", placed(names, ()), *placed_rows])


def written(text: str) -> str:
    """The file with its patterns replaced."""
    deps = dependencies()
    values = {
        "weighbridge-artifacts": {"files": loaded(), "exclude": deps},
        "weighbridge-deps": {"files": deps},
    }
    hook, lines = "", []
    for line in text.splitlines():
        if line.startswith("- id: "):
            hook = line.removeprefix("- id: ")
        key = line.strip().partition(":")[0]
        value = values.get(hook, {}).get(key)
        lines.append(line if value is None else f"  {key}: '{value}'")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the patterns anew, or checks them."""
    old = FILE.read_text()
    new = written(old)
    if "--check" in sys.argv:
        return int(new != old)
    FILE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
