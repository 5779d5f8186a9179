"""Names of artifacts, held against the source of the tree."""

from pathlib import Path

import pytest

import scanner
from sbom.model import Location
from scanner.join import names as join
from scanner.model import Evidence
from scanner.policy import Policy
from tests.forge import call, name, stream


def said(subject: str, files: dict[str, str], rule: str = "ART-016") -> str:
    evidence = [Evidence(rule, Location("m.pkl"), "names it", subject)]
    sources = join.Sources(files)
    read = {path: files[path] for path in join.wanted(evidence, sources)}
    (found,) = join.located(evidence, sources, read)
    return found.message.removeprefix("names it")


NET = "import torch\n\n\nclass Net(torch.nn.Module):\n    pass\n"


@pytest.mark.parametrize(
    ("subject", "files", "place"),
    [
        pytest.param("net.Net", {"net.py": NET}, "net.py:4", id="at the root"),
        pytest.param("shop.net.Net", {"src/shop/net.py": NET}, "src/shop/net.py:4", id="below src"),
        pytest.param("shop.Net", {"shop/__init__.py": NET}, "shop/__init__.py:4", id="a package's own"),
        pytest.param("net.Net.make", {"net.py": NET}, "net.py:4", id="a method"),
        pytest.param("net.make", {"net.py": "async def make(): ..."}, "net.py:1", id="a function"),
        pytest.param("net.MAKE", {"net.py": "MAKE: int = 1"}, "net.py:1", id="a value"),
        pytest.param("net.Net", {"b/net.py": NET, "a/c/net.py": NET}, "b/net.py:4", id="the nearest of two"),
    ],
)
def test_a_name_that_the_tree_defines_is_said_to_be(subject: str, files: dict[str, str], place: str) -> None:
    assert said(subject, files) == f"; this tree defines it in {place}"


@pytest.mark.parametrize(
    ("subject", "files"),
    [
        pytest.param("net.Net", {"other.py": NET}, id="another module"),
        pytest.param("net.Net2", {"net.py": NET}, id="another name"),
        pytest.param("net.Net", {"mynet.py": NET}, id="a file whose name only ends so"),
        pytest.param("net.Net", {"net.py": "    class Net: ..."}, id="inside of something"),
        pytest.param("net", {"net.py": NET}, id="a module alone"),
        pytest.param("a computed name", {"net.py": NET}, id="no name"),
    ],
)
def test_other_names_are_left_as_they_are(subject: str, files: dict[str, str]) -> None:
    assert said(subject, files) == ""


@pytest.mark.parametrize(
    ("rule", "told"), [("ART-016", "ART-018"), ("ART-002", "ART-002"), ("ART-001", "ART-001")]
)
def test_a_class_of_the_tree_that_is_only_made_is_its_own_and_calls_stay_calls(rule: str, told: str) -> None:
    evidence = [Evidence(rule, Location("m.pkl"), "names it", "net.Net")]
    (found,) = join.located(evidence, join.Sources(["net.py"]), {"net.py": NET})
    assert found.rule == told


def test_other_rules_are_left_alone() -> None:
    assert said("net.Net", {"net.py": NET}, "ART-013") == ""


def test_the_scan_points_at_the_line_and_the_grade_stays(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(stream(name("net", "Net"), b")\x81", b"0", call("net.make", 1)))
    alone = scanner.scan(tmp_path, Policy(check_advisories=False)).findings
    (tmp_path / "net.py").write_text(f"{NET}\n\ndef make(x):\n    return x\n")
    beside = scanner.scan(tmp_path, Policy(check_advisories=False)).findings
    assert {row.evidence.rule: row.level for row in alone} == {"ART-002": "high", "ART-016": "low"}
    assert {row.evidence.rule: row.level for row in beside} == {"ART-002": "high", "ART-018": "low"}
    said = {row.evidence.rule: row.evidence.message for row in beside}
    assert said["ART-018"].endswith("this tree defines it in net.py:4")
    assert said["ART-002"].endswith("this tree defines it in net.py:8")
