"""Writes the fingerprints of SPDX' licences, by which a bill of materials tells a licence from its text.

    npm pack spdx-license-list && tar -xzf spdx-license-list-*.tgz
    python tools/gen_licences.py package

Kept are a fingerprint of each text's words (``scanner.readers.licence_text``), the licence's name in SPDX'
list and where the text was taken from, and no text. Where one text belongs to several names, as those of
GNU's do (*only*, *or later*), the text alone tells none of them.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cyclonedx.spdx import is_supported_id  # noqa: E402

from scanner.readers.licence_text import fingerprint  # noqa: E402

DATA = ROOT / "scanner" / "inventory" / "licence_texts.json"


def named(names: set[str]) -> str:
    """The name that the text of all of these tells: the one that the others only say more precisely."""
    first = min(names, key=lambda name: (len(name), name))
    told = all(name == first or name.startswith(f"{first}-") for name in names)
    precise = any(name.endswith(("-only", "-or-later", "+")) for name in names)
    return first if told and not (precise and len(names) > 1) else ""


def main() -> int:
    """Writes the data."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    version = json.loads((folder / "package.json").read_text())["version"]
    found: dict[str, set[str]] = {}
    for path in sorted((folder / "licenses").glob("*.json")):
        text = json.loads(path.read_text())["licenseText"]
        # Names that SPDX keeps for old documents: what they say, others say with an operator.
        if "-with-" in path.stem or path.stem.endswith("+"):
            continue
        if is_supported_id(path.stem) and (mark := fingerprint(text.encode())):
            found.setdefault(mark, set()).add(path.stem)
    texts = {mark: name for mark, names in found.items() if (name := named(names))}
    source = f"the texts of SPDX' list in npm's spdx-license-list {version} (CC0-1.0)"
    rows = ",\n".join(
        f"  {json.dumps(mark)}: {json.dumps(name)}"
        for mark, name in sorted(texts.items(), key=lambda row: row[1])
    )
    DATA.write_text(f'{{\n "source": {json.dumps(source)},\n "texts": {{\n{rows}\n }}\n}}\n')
    print(f"{len(texts)} texts; of several names, and so of none: {len(found) - len(texts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
