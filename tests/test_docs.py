"""README's generated parts and its commands are those of the program."""

import re
import subprocess
import sys
from pathlib import Path

from scanner.registry import FORMATS, MANIFESTS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_the_generated_parts_of_the_readme_and_of_the_hooks_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "gen_readme.py", "--check"], check=False, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, "stale: run python tools/gen_readme.py"


def test_every_row_of_the_registry_stands_in_the_readme() -> None:
    for title in [row.title for row in FORMATS] + [row.title for row in MANIFESTS]:
        assert f"| {title} |" in README


_PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
_GROUPS = {"advisories", "sbom", "rubric", "config"}


def _commands() -> set[str]:
    """The commands with their options that stand in blocks and in code of a line, without their values."""
    found = set()
    for text in _PAGES.values():
        for line in re.findall(r"(?:^|`|- |run: |&& |sh ')(weighbridge [a-z][^`\n#|']*)", text, re.MULTILINE):
            words = line.split()[1:]
            count = 2 if words[0] in _GROUPS and words[1:] and words[1].isalpha() else 1
            options = [word.partition("=")[0] for word in words[count:] if word.startswith("--")]
            found.add(" ".join([*words[:count], *options]))
    return found


def test_every_command_and_option_of_the_documentation_is_one() -> None:
    helped: dict[str, str] = {}
    executable = Path(sys.executable).with_name("weighbridge")
    wrong = []
    assert {"scan --since", "doctor", "advisories export"} <= _commands()
    for line in sorted(_commands()):
        words = line.split()
        name = " ".join(word for word in words if not word.startswith("-"))
        if name not in helped:
            done = subprocess.run(
                [executable, *name.split(), "--help"], check=False, capture_output=True, timeout=60
            )
            helped[name] = done.stdout.decode() if done.returncode == 0 else ""
        options = [word.rstrip(").,;:") for word in words if word.startswith("--")]
        if not helped[name] or any(option not in helped[name] for option in options):
            wrong.append(line)
    assert wrong == []


def test_the_pages_link_to_pages_that_are_there() -> None:
    for name, text in _PAGES.items():
        folder = ROOT if name == "README.md" else ROOT / "docs"
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (folder / link).exists(), f"{name}: {link}"


def test_each_dependency_has_its_reason() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    names = re.findall(r'^  "([A-Za-z0-9-]+)(?:\[[a-z-]+\])?[><=]', project, re.MULTILINE)
    assert "packaging" in names
    missing = [name for name in names if name.lower() not in contributing.lower()]
    assert missing == []


def test_the_targets_of_make_that_are_named_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?m)(?:^|`)make ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_help_of_every_command_has_an_example() -> None:
    executable = Path(sys.executable).with_name("weighbridge")

    def helped(*words: str) -> str:
        return subprocess.run([executable, *words, "--help"], check=True, capture_output=True).stdout.decode()

    def commands(*above: str) -> list[tuple[str, ...]]:
        names = re.findall(r"(?m)^  ([a-z]+) {2,}", helped(*above).partition("Commands:")[2])
        return [found for name in names for found in commands(*above, name)] or [above]

    found = commands()
    assert ("scan",) in found
    assert ("advisories", "update") in found
    without = [words for words in found if "weighbridge" not in helped(*words).partition("xample")[2]]
    assert without == []
