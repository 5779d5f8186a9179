"""Lines that load something, with what runs them, what they load and what follows for the grade."""

from collections.abc import Mapping

import pytest

from sbom.model import Component, Digest, Inventory, Kind, Location, Relation
from scanner.join import chains, grades, things
from scanner.limits import Limits
from scanner.model import Artifact, Chain, CodeReading, Evidence, Run
from tests.code.reading import reading

SHA = {path: f"{number:064x}" for number, path in enumerate(("m.pt", "sub/a.pkl", "other.pt"), 1)}
TORCH = Component("torch", "torch", Kind.LIBRARY, "2.5.1", ecosystem="pypi", purl="pkg:pypi/torch@2.5.1")
KERAS = Component("keras", "keras", Kind.LIBRARY, "3.10.0", ecosystem="pypi", purl="pkg:pypi/keras@3.10.0")
RUN = Run("run.py", Location(".github/workflows/ci.yml", line=9), "job", (), ("push",))


def artifacts(*paths: str) -> tuple[Artifact, ...]:
    return tuple(
        Artifact(Location(path), "pytorch-zip", 9, (Digest("sha256", SHA[path]),)) for path in paths or SHA
    )


def joined(
    code: CodeReading, runs: tuple[Run, ...] = (), imports: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[tuple[Chain, ...], Inventory]:
    inventory = things.with_references(Inventory((TORCH, KERAS)), code)
    rows = chains.chains(code, artifacts(), runs, imports or {}, inventory, Limits())
    return rows, inventory


def code(text: str, path: str = "run.py") -> CodeReading:
    return reading({path: text}, held=[*SHA, "sub"], locked={"torch": "2.5.1", "keras": "3.10.0"})


LOAD = "import torch\ntorch.load('m.pt')\n"


def test_a_load_has_its_file_its_library_and_its_run() -> None:
    (row,), _ = joined(code(LOAD), (RUN,))
    assert (row.artifacts, row.library, row.runs, row.reached) == (
        (Location("m.pt"),),
        "torch",
        (RUN,),
        "import",
    )


def test_a_module_that_a_run_script_imports_is_reached_however_far() -> None:
    imports = {"run.py": ("app",), "app/__init__.py": ("loading",), "app/loading.py": (), "x/loading.py": ()}
    found = chains.reached({"run.py": (RUN,)}, imports)
    assert sorted(found) == ["app/__init__.py", "app/loading.py", "run.py"]


def triggers(text: str, runs: tuple[Run, ...] = (), *, whole: bool = True) -> dict[str, tuple[str, bool]]:
    read = code(text)
    rows, _ = joined(read, runs)
    found = grades.triggers(rows, artifacts(), read.sites, whole=whole)
    names = {value: path for path, value in SHA.items()}
    return {names[each.subject]: (each.value, each.covered) for each in found}


DORMANT = ("dormant", True)


@pytest.mark.parametrize(
    ("text", "runs", "wanted"),
    [
        pytest.param(
            LOAD, (), {"m.pt": ("automatic", False), "sub/a.pkl": DORMANT, "other.pt": DORMANT}, id="import"
        ),
        pytest.param(
            "import torch\ndef f():\n    torch.load('m.pt')\n",
            (),
            {"sub/a.pkl": DORMANT, "other.pt": DORMANT},
            id="only where it is called",
        ),
        pytest.param(
            "import torch\ndef f():\n    torch.load('m.pt')\n",
            (RUN,),
            {"m.pt": ("automatic", False), "sub/a.pkl": DORMANT, "other.pt": DORMANT},
            id="a pipeline comes there",
        ),
        pytest.param(
            "import torch\ntorch.load('m.pt', weights_only=True)\n",
            (),
            {"sub/a.pkl": DORMANT, "other.pt": DORMANT},
            id="a safe load runs nothing, and makes nothing milder",
        ),
        pytest.param(
            f"{LOAD}import sys\ntorch.load(sys.argv[1])\n",
            (),
            {"m.pt": ("automatic", False)},
            id="one is open",
        ),
        pytest.param(
            f"{LOAD}import pickle, os\npickle.load(open(os.environ['X'], 'rb'))\n",
            (),
            {"m.pt": ("automatic", False)},
            id="pickle reads any of them",
        ),
        pytest.param("import torch\n", (), {}, id="nothing is loaded by name"),
    ],
)
def test_triggers(text: str, runs: tuple[Run, ...], wanted: dict[str, tuple[str, bool]]) -> None:
    assert triggers(text, runs) == wanted


def test_nothing_sleeps_in_a_tree_that_is_not_ones_own_or_not_whole() -> None:
    assert triggers(LOAD, whole=False) == {"m.pt": ("automatic", False)}


def test_the_line_that_a_pipeline_runs_is_the_one_that_is_named() -> None:
    read = reading({"a.py": LOAD, "run.py": LOAD}, held=SHA)
    rows, _ = joined(read, (RUN,))
    first, *_ = grades.triggers(rows, artifacts(), read.sites, whole=False)
    assert first.because == "run.py:2 loads this on import, and .github/workflows/ci.yml:9 runs it"


def combined(text: str, evidence: tuple[Evidence, ...] = ()) -> list[Evidence]:
    read = code(text)
    rows, inventory = joined(read)
    return list(grades.combined((*read.evidence, *evidence), read.sites, rows, inventory))


FETCHED = (
    "import torch\nfrom huggingface_hub import hf_hub_download\n"
    "torch.load(hf_hub_download('o/m', 'm.pt'{}), weights_only=False)\n"
)


def test_an_unsafe_load_of_what_nothing_fixes_is_one_combined_finding() -> None:
    rules = [row.rule for row in combined(FETCHED.format(""))]
    assert "CMB-001" in rules
    assert "SRC-003" not in rules


def test_a_commit_breaks_the_combination() -> None:
    assert "CMB-001" not in [row.rule for row in combined(FETCHED.format(f", revision='{'a' * 40}'"))]


SAFE = "import torch\ntorch.load('m.pt', weights_only=True)\n"


def test_a_line_that_relies_on_a_safe_mode_with_a_known_way_around_it_takes_the_place_of_the_advisory() -> (
    None
):
    advisory = Evidence(
        "ADV-002", Location("r.txt", line=1), "torch", "GHSA-53q9-r3pm-6pq6", component="torch"
    )
    other = Evidence("ADV-003", Location("r.txt", line=1), "torch", "CVE-2024-1", component="torch")
    rows = combined(SAFE, (advisory, other))
    assert [(row.rule, row.subject) for row in rows] == [
        ("ADV-003", "CVE-2024-1"),
        ("ADV-006", "CVE-2025-32434"),
    ]
    assert "run.py:2" in rows[-1].message
    assert dict(rows[-1].factors)["trigger"].value == "automatic"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        pytest.param(LOAD, [], id="the safe mode is not used"),
        pytest.param("import torch\n", [], id="nothing is loaded"),
        pytest.param(
            "import keras\nkeras.models.load_model('m.keras')\n", ["CVE-2025-8747"], id="keras 3.10"
        ),
        pytest.param(
            "import keras\nkeras.models.load_model('m.keras', safe_mode=False)\n", [], id="switched off"
        ),
    ],
)
def test_only_lines_that_rely_on_the_safe_mode_count(text: str, ids: list[str]) -> None:
    assert [row.subject for row in combined(text) if row.rule == "ADV-006"] == ids


@pytest.mark.parametrize(
    ("text", "url", "kind", "version", "specifier"),
    [
        (
            "from transformers import AutoModel\nAutoModel.from_pretrained('org/name')",
            "pkg:huggingface/org/name",
            Kind.MODEL,
            "",
            "",
        ),
        (
            (
                "from transformers import AutoModel\n"
                f"AutoModel.from_pretrained('org/name', revision='{'a' * 40}')"
            ),
            f"pkg:huggingface/org/name@{'a' * 40}",
            Kind.MODEL,
            "a" * 40,
            "",
        ),
        (
            "from datasets import load_dataset\nload_dataset('org/data', revision='v1')",
            "pkg:generic/org/data?download_url=https://huggingface.co/datasets/org/data",
            Kind.DATA,
            "",
            "v1",
        ),
        (
            "import torch\ntorch.hub.load('Owner/Repo:v1', 'x')",
            "pkg:github/owner/repo@v1",
            Kind.MODEL,
            "",
            "v1",
        ),
    ],
)
def test_what_code_takes_from_outside_is_a_component(
    text: str, url: str, kind: Kind, version: str, specifier: str
) -> None:
    _, inventory = joined(code(text))
    (one,) = [row for row in inventory.components if row.purl == url]
    assert (one.kind, one.version, one.specifier) == (kind, version, specifier)
    assert one.seen == (Location("run.py", line=2),)


def test_an_address_is_a_component_without_what_may_be_secret_in_it() -> None:
    text = "import torch\ntorch.hub.load_state_dict_from_url('https://me:pw@x.org/m.pth?sig=1')"
    _, inventory = joined(code(text))
    assert [row.purl for row in inventory.components if row.ecosystem == ""] == [
        "pkg:generic/m.pth?download_url=https://x.org/m.pth"
    ]


def test_what_a_manifest_names_too_gets_more_places() -> None:
    url = "pkg:huggingface/org/name"
    known = Component("ref", "org/name", Kind.MODEL, purl=url, seen=(Location("README.md", line=3),))
    read = code("from transformers import AutoModel\nAutoModel.from_pretrained('org/name')")
    (one,) = things.with_references(Inventory((known,)), read).components
    assert [str(where) for where in one.seen] == ["README.md:3", "run.py:2"]


def test_a_model_needs_the_library_that_loads_it() -> None:
    model = Component("model", "m.pt", Kind.MODEL, seen=(Location("m.pt"),))
    rows, _ = joined(code(LOAD))
    found = things.with_chains(Inventory((model, TORCH)), rows)
    assert found.relations == (Relation("model", "torch"),)
    assert [str(where) for where in found.components[0].seen] == ["m.pt", "run.py:2"]


def test_each_of_several_things_that_one_line_loads_is_told_by_its_own_name() -> None:
    text = (
        "import torch\nfor url in ['https://a.io/one.pt', 'https://a.io/two.pt']:\n"
        "    torch.hub.load_state_dict_from_url(url)\n"
    )
    messages = [row.message for row in combined(text) if row.rule == "CMB-001"]
    assert len(messages) == 2
    for name, message in zip(("one", "two"), sorted(messages), strict=True):
        assert message.count(f"https://a.io/{name}.pt") == 2
