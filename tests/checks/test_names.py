"""Names that are nearly well-known ones, and names of modules."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Location
from scanner.checks import names
from scanner.inventory import take_stock
from scanner.manifests import pyproject, requirements, uv_lock
from scanner.model import Evidence

DATA = Path(names.__file__).with_name("names.json")
FAMOUS = sorted(names.known().famous)


def found(files: dict[str, str] | str) -> list[Evidence]:
    parsers = {"pyproject.toml": pyproject.parse, "uv.lock": uv_lock.parse}
    if isinstance(files, str):
        files = {"r.txt": files}
    readings = {
        path: list(parsers.get(path, requirements.parse)(text.encode(), Location(path)))
        for path, text in files.items()
    }
    return list(names.check(take_stock(readings)))


def test_the_data_keep_their_schema_and_do_not_contradict_themselves() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    data = json.loads(DATA.read_bytes())
    jsonschema.validate(data, json.loads(DATA.with_name("names.schema.json").read_bytes()))
    for part in ("famous", "right"):
        assert data[part] == sorted(data[part])
    famous, right, modules = set(data["famous"]), set(data["right"]), set(data["modules"])
    assert not famous & right
    assert not (famous | right) & modules


# --- honest -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("torch\ntorchx\nscipy\nspacy\npandas\npanda", id="real ones that are near one another"),
        pytest.param("boto3\nboto\nurllib3\npydantic2", id="families by number"),
        pytest.param("Scikit_Learn\nscikit.learn", id="another spelling of the same name"),
        pytest.param("acme-torch\nour-numpy-tools\nnumpyro", id="names that hold one"),
        pytest.param("jex\nnltx\nsix2", id="short names"),
        pytest.param("./reqeusts-1-py3-none-any.whl", id="a file"),
        pytest.param("reqeusts @ git+https://h/reqeusts@main", id="a checkout"),
        pytest.param("a" * 5_000, id="a name longer than any"),
        pytest.param("x" * 100 + "\n" + "-e .", id="nothing near"),
    ],
)
def test_names_that_are_right_are_no_finding(text: str) -> None:
    assert found(text) == []


def test_what_an_index_of_ones_own_serves_goes_by_its_own_names() -> None:
    lock = (
        'version = 1\n[[package]]\nname = "reqeusts"\nversion = "1"\n'
        'source = { registry = "https://packages.example.org/simple" }\n'
    )
    assert found({"uv.lock": lock}) == []
    public = lock.replace("packages.example.org", "pypi.org")
    assert [row.rule for row in found({"uv.lock": public})] == ["DEP-004"]


def test_the_projects_own_name_is_its_own_affair() -> None:
    assert found({"pyproject.toml": '[project]\nname = "reqeusts"\ndependencies = ["reqeusts[all]"]\n'}) == []


@given(st.sampled_from(FAMOUS))
def test_no_well_known_name_is_flagged(name: str) -> None:
    assert names.lookalike(name) is None


# --- caught -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("reqeusts", "requests", id="neighbours exchanged"),
        pytest.param("requets", "requests", id="a letter missing"),
        pytest.param("requessts", "requests", id="a letter doubled"),
        pytest.param("tenserflow", "tensorflow", id="a letter wrong"),
        pytest.param("numpi", "numpy", id="a short one"),
        pytest.param("nmupy", "numpy", id="a short one, exchanged"),
        pytest.param("tqmd", "tqdm", id="four letters, exchanged"),
        pytest.param("scikitlearn", "scikit-learn", id="a hyphen left out"),
        pytest.param("torch-vision", "torchvision", id="a hyphen put in"),
        pytest.param("python-requests", "requests", id="an affix before"),
        pytest.param("requests-py", "requests", id="an affix behind"),
        pytest.param("learn-scikit", "scikit-learn", id="words in another order"),
        pytest.param("0penai", "openai", id="a digit for a letter"),
        pytest.param("dJang0", "django", id="a digit and a capital"),
        pytest.param("transforrners", "transformers", id="two letters for one"),
        pytest.param("torchvisi0n", "torchvision", id="zero"),
    ],
)
def test_a_name_that_is_nearly_a_well_known_one_is_told_with_that(name: str, meant: str) -> None:
    rows = found(f"\n{name}==1.0")
    assert [(row.rule, str(row.where)) for row in rows] == [("DEP-004", "r.txt:2")]
    assert f"nearly the name of {meant}" in rows[0].message
    assert meant in rows[0].remedy


@pytest.mark.parametrize(
    ("name", "meant"),
    [("sklearn", "scikit-learn"), ("cv2", "opencv-python"), ("PIL", "pillow"), ("yaml", "pyyaml"),
     ("bs4", "beautifulsoup4"), ("dateutil", "python-dateutil"), ("attr", "attrs"),
     ("huggingface-cli", "huggingface-hub[cli]"), ("huggingface_cli", "huggingface-hub[cli]"),
     ("pytorch", "torch")],
)  # fmt: skip
def test_the_name_of_a_module_is_told_with_that_of_the_package(name: str, meant: str) -> None:
    rows = found(name)
    assert [row.rule for row in rows] == ["DEP-022"]
    assert meant in rows[0].message
    assert rows[0].remedy == f"Write {meant} in its place."


def test_one_name_is_told_once_however_many_releases_are_asked_for() -> None:
    rows = found("reqeusts==1 ; python_version<'3.9'\nreqeusts==2 ; python_version>='3.9'")
    assert [row.rule for row in rows] == ["DEP-004"]


# --- evasions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("rеquests", "requests", id="a Cyrillic letter"),
        pytest.param("ｔｏｒｃｈ", "torch", id="letters of full width"),
        pytest.param("tοrch", "torch", id="a Greek letter"),
        pytest.param("REQEUSTS", "requests", id="capitals"),
    ],
)
def test_another_way_to_write_it_hides_nothing(name: str, meant: str) -> None:
    near = names.lookalike(name)
    assert near is not None
    assert near[0] == meant


@given(st.sampled_from([name for name in FAMOUS if len(name) > 6]), st.data())
def test_every_exchange_of_two_letters_is_seen_or_makes_another_known_name(
    name: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(name) - 2))
    slip = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    valid = not slip.startswith("-") and not slip.endswith("-") and "--" not in slip
    data_known = names.known()
    known = data_known.famous | data_known.right | set(data_known.modules)
    if not valid or slip in known:
        return
    assert names.lookalike(slip) is not None


@given(st.text(max_size=150))
def test_any_text_has_an_answer(text: str) -> None:
    near = names.lookalike(text)
    assert near is None or near[0] in names.known().famous
