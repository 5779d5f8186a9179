"""The documents of the sample projects, whole: a change of theirs is seen in the diff that changes them."""

import difflib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests import written
from tests.test_samples import build

ROOT = Path(__file__).resolve().parents[2]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gen_goldens", ROOT / "tools" / "gen_goldens.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples as they are kept, with what is built for them."""
    import shutil

    folder = tmp_path_factory.mktemp("goldens") / "samples"
    shutil.copytree(ROOT / "sample_projects", folder)
    return build(folder)


@pytest.mark.parametrize(("project", "spec"), tool().PROJECTS, ids=str)
def test_the_document_of_a_sample_project_is_the_one_that_is_kept(
    built: Path, project: str, spec: str
) -> None:
    kept = (ROOT / "tests" / "sbom" / "goldens" / f"{project}-{spec}.json").read_text()
    written.hold(kept.encode())
    found = tool().golden(project, spec, built)
    if found != kept:
        diff = difflib.unified_diff(kept.splitlines(), found.splitlines(), "kept", "found", lineterm="", n=2)
        pytest.fail("\n".join([*list(diff)[:60], f"{sys.executable} tools/gen_goldens.py writes it anew"]))
