"""The policy on names: what was measured of honest files may not vouch for anything that acts."""

import json
from pathlib import Path

import pytest

from scanner.artifacts import names
from scanner.artifacts.names import Kind

ROOT = Path(__file__).resolve().parents[2]
MEASURED = json.loads((ROOT / "scanner" / "artifacts" / "names_measured.json").read_text())
PAIRS = sorted(
    {
        (module, name, use)
        for family in MEASURED["families"].values()
        for module, uses in family.items()
        for use, row in uses.items()
        for name in row.split()
    }
)
LOOKED_AT = {
    line.partition("#")[0].strip()
    for line in (ROOT / "tools" / "names_called.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
}


def test_no_measured_name_is_a_sink_or_rebuilds_code() -> None:
    kinds = {(module, name): names.classify_unmeasured(module, name).kind for module, name, _ in PAIRS}
    assert not [pair for pair, kind in kinds.items() if kind in (Kind.SINK, Kind.CARRIES)]


def test_no_name_that_was_only_measured_hands_its_arguments_on() -> None:
    followed = [(module, name) for module, name, _ in PAIRS if names.is_followed(f"{module}.{name}")]
    assert not [pair for pair in followed if names.classify_unmeasured(*pair).kind is not Kind.HONEST]


def test_whatever_may_be_called_was_looked_at() -> None:
    called = {f"{module}.{name}" for module, name, use in PAIRS if use == "call"}
    kept = {
        f"{module}.{name}"
        for module, name, use in PAIRS
        if use == "call" and names.classify_unmeasured(module, name).use == "call"
    }
    assert sorted(called - kept - LOOKED_AT) == []


def test_every_name_that_may_be_called_says_why() -> None:
    rows = (ROOT / "tools" / "names_called.txt").read_text().splitlines()
    assert [row for row in rows if row.strip() and not row.partition("#")[2].strip()] == []


def test_the_releases_that_were_looked_at_are_said() -> None:
    wanted = {"torch", "numpy", "scikit-learn", "pandas", "scipy", "xgboost", "lightgbm"}
    assert wanted <= set(MEASURED["libraries"])


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("sklearn.ensemble._forest", "RandomForestClassifier", id="today's name"),
        pytest.param("sklearn.ensemble.forest", "RandomForestClassifier", id="before 0.22"),
        pytest.param("sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", id="joblib inside of it"),
        pytest.param("pandas.core.indexes.numeric", "Int64Index", id="pandas before 2"),
        pytest.param("numpy.core.multiarray", "_reconstruct", id="NumPy before 2"),
        pytest.param("numpy._core.multiarray", "_reconstruct", id="NumPy 2"),
        pytest.param("torch.nn.modules.linear", "Linear", id="a layer"),
        pytest.param("statsmodels.tsa.arima.model", "ARIMAResultsWrapper", id="a result"),
    ],
)
def test_honest_names_of_old_and_new_releases_are_known(module: str, name: str) -> None:
    assert names.classify(module, name).kind is Kind.HONEST


RENAMED = json.loads((ROOT / "scanner" / "artifacts" / "names.json").read_text())["renamed"]


@pytest.mark.parametrize(("before", "now"), sorted(RENAMED.items()))
def test_every_renamed_module_leads_to_names_that_are_known(before: str, now: str) -> None:
    honest = names._data().honest.pairs()
    inside = [(module, name) for module, name in honest if module == now or module.startswith(f"{now}.")]
    assert inside
    assert all(
        names.classify(before + module.removeprefix(now), name).kind is Kind.HONEST for module, name in inside
    )


def test_a_use_is_that_of_the_hand_kept_list_and_else_of_the_first_family_that_was_measured() -> None:
    kept = json.loads((ROOT / "scanner" / "artifacts" / "names.json").read_text())["honest"]
    measured = json.loads((ROOT / "scanner" / "artifacts" / "names_measured.json").read_text())["families"]
    wanted: dict[tuple[str, str], str] = {}
    for rows in (kept, *measured.values()):
        here = {
            (module, name): use
            for module, row in rows.items()
            for use in ("refer", "construct", "call")
            for name in " ".join([row[use]] if isinstance(row.get(use), str) else row.get(use, ())).split()
        }
        wanted = here | wanted
    honest = names._data().honest
    assert {pair: honest.use(*pair) for pair in honest.pairs()} == wanted
    assert honest.use("sklearn.svm._classes", "SVC2") is None
    assert honest.kept("no.such.module", "SVC") is None
