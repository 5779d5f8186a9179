"""Writes docs/screenshot.png: the HTML report of sample_projects/typical, as Chromium shows it.

    python tools/gen_screenshot.py [TARGET] [--width N] [--height N] [--dark] [--no-script] [--pdf FILE]

The report is made at a fixed time from the advisories of the samples, so that the same program writes the
same page; fonts and the browser's version still make the picture, which is why no test compares it.
"""

import argparse
import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import Browser  # noqa: E402  (of this checkout)

CLOCK = "1793836800"  # 2026-11-05, four days after the samples' advisories


def report(folder: Path) -> Path:
    """The HTML report of the sample project."""
    page = folder / "report.html"
    samples = ROOT / "sample_projects"
    subprocess.run(
        [
            Path(sys.executable).with_name("weighbridge"),
            "scan",
            "typical",
            "--advisories",
            "advisories/typical",
            "-qq",
            "--exit-zero",
            "-o",
            f"html={page}",
        ],
        cwd=samples,
        env={**os.environ, "SOURCE_DATE_EPOCH": CLOCK, "WEIGHBRIDGE_CONFIG": str(folder / "none.toml")},
        check=True,
    )
    return page


def main() -> None:
    """Writes the picture, and the pages as they would be printed where ``--pdf`` asks for them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", nargs="?", type=Path, default=ROOT / "docs" / "screenshot.png")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1500)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--no-script", action="store_true")
    parser.add_argument("--open", action="store_true", help="with the drawers open")
    parser.add_argument("--scroll", type=int, default=0)
    parser.add_argument("--pdf", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        page = report(Path(folder))
        browser.scripts(allowed=not asked.no_script)
        browser.look(width=asked.width, height=asked.height, dark=asked.dark)
        browser.open(page)
        if asked.open:
            browser.run("for (const one of document.querySelectorAll('.finding')) one.open = true")
        browser.run(f"scrollTo(0, {asked.scroll})")
        if not asked.no_script:
            browser.settle()
        asked.target.write_bytes(browser.picture())
        if asked.pdf:
            browser.look(width=asked.width, height=asked.height)
            printed = browser.send("Page.printToPDF", printBackground=True)["data"]
            asked.pdf.write_bytes(base64.b64decode(printed))


if __name__ == "__main__":
    main()
