"""The reference is written from the data, and is not stale."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from scanner.rubric import rules

ROOT = Path(__file__).parents[2]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gen_rules_docs", ROOT / "tools" / "gen_rules_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR = generator()
DOCUMENTS: dict[str, str] = GENERATOR.documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_reference_is_what_the_data_gives(name: str) -> None:
    written = (ROOT / name).read_text("utf-8")
    assert written == DOCUMENTS[name], "stale: run python tools/gen_rules_docs.py"


def test_a_stale_reference_is_told_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(GENERATOR, "ROOT", tmp_path)
    assert GENERATOR.main(["--check"]) == 1
    assert "docs/rules.md is stale" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert GENERATOR.main([]) == 0
    assert GENERATOR.main(["--check"]) == 0


def test_every_rule_has_its_own_heading_and_the_tables_link_to_it() -> None:
    text = DOCUMENTS["docs/rules.md"]
    headings = re.findall(r"^### (\S+): (.+)$", text, re.MULTILINE)
    assert [id_ for id_, _ in headings] == list(rules.load())
    slugs = {re.sub(r"[^\w\- ]", "", f"{id_}: {title}".lower()).replace(" ", "-") for id_, title in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == slugs


def test_no_table_row_is_broken_by_what_stands_in_it() -> None:
    for text in DOCUMENTS.values():
        width = 0
        for line in text.splitlines():
            if not line.startswith("|"):
                width = 0
                continue
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert width in (0, cells), line
            width = cells
