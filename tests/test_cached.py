"""A hub's cache outside of the tree: the commits that it keeps, and the tokenizers that are pinned to one."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sbom.model import FactName
from scanner.errors import LimitReached
from scanner.files.hub import HubCache
from scanner.integrity import lock as locks
from scanner.limits import Limits
from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy
from tests.cli.command import Done, weighbridge
from tests.pairs.folders import Files, found, not_followed, put, zeros

COMMIT, OTHER = "1234567890" * 4, "f" * 40
OPEN = "from transformers import AutoModel\nm = AutoModel.from_pretrained('org/base')\n"
PINNED = (
    f"from transformers import AutoModel\nm = AutoModel.from_pretrained('org/base', revision='{COMMIT}')\n"
)
FAST = {
    "added_tokens": [{"id": 5, "content": "<s>"}],
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}},
}
CONFIG = {"chat_template": "{{ messages }}", "bos_token": "<s>", "name_or_path": "org/base"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def cached(root: Path, files: Mapping[str, object] | None = None, ref: str = "main") -> Path:
    """A cache as the hub's client lays it out: blobs, and links to them."""
    home = root / "hub/models--org--base"
    for folder in ("blobs", f"snapshots/{COMMIT}"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    branch = home / "refs" / ref
    branch.parent.mkdir(parents=True, exist_ok=True)
    branch.write_text(COMMIT)
    for at, (name, content) in enumerate((files or {}).items()):
        text = content if isinstance(content, str) else json.dumps(content)
        (home / f"blobs/{at}").write_text(text)
        (home / f"snapshots/{COMMIT}/{name}").symlink_to(f"../../blobs/{at}")
    return root / "hub"


def run(tree: Path, *arguments: str, config: Path | None = None) -> Done:
    own = config or tree.parent / "no-config.toml"
    return weighbridge(*arguments, cwd=tree, WEIGHBRIDGE_CONFIG=str(own))


def scanned(tree: Path, hub: Path | None, **more: object) -> Report:
    return scan(tree, Policy(check_advisories=False, jobs=1, hub_cache=hub, **more))  # type: ignore[arg-type]


def facts(report: Report) -> list[object]:
    return [
        fact.value
        for one in report.inventory.components
        for fact in one.facts
        if fact.name is FactName.CACHED
    ]


# --- commits ----------------------------------------------------------------------------------------------


def test_a_reference_without_a_commit_stays_open_and_tells_which_one_the_cache_has(
    tree: Path, tmp_path: Path
) -> None:
    put(tree, {"train.py": OPEN})
    report = scanned(tree, cached(tmp_path))
    ((_, _, level, message),) = found(report, "SRC-005")
    assert message.endswith(f"; the hub's cache here has main at commit {COMMIT}")
    assert facts(report) == [f"main: {COMMIT}"]
    (source,) = [one for one in report.sources if one.name == "hub-cache"]
    assert (source.state, source.records) == ("current", 1)
    ((_, _, before, plain),) = found(scanned(tree, None), "SRC-005")
    assert (before, COMMIT in plain) == (level, False)


def test_without_the_option_a_cache_changes_no_byte(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tree, {"train.py": OPEN})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    before = run(tree, "scan", ".", "--format", "json", "--no-advisories").out
    monkeypatch.setenv("HF_HUB_CACHE", str(cached(tmp_path)))
    assert run(tree, "scan", ".", "--format", "json", "--no-advisories").out == before
    spdx = ["sbom", "write", ".", "--spec", "spdx-3.0"]
    assert f"cached revision: main: {COMMIT}" in run(tree, *spdx, "--hub-cache", "default").out
    for command in (["scan", ".", "--no-advisories", "-f", "json"], ["sbom", "write", "."]):
        assert f"main: {COMMIT}" in run(tree, *command, "--hub-cache", "default").out, command
    assert COMMIT in run(tree, "trace", "org/base", ".", "--hub-cache", "default").out


def test_the_lock_holds_a_branch_to_the_commit_that_the_cache_has(tree: Path, tmp_path: Path) -> None:
    put(tree, {"train.py": OPEN})
    hub = cached(tmp_path)
    for more, revision in (([], ""), (["--hub-cache", str(hub)], COMMIT)):
        assert run(tree, "lock", ".", *more).code == 0
        reference = locks.parse((tree / locks.NAME).read_bytes()).references["pkg:huggingface/org/base"]
        assert reference.revision == revision
    assert found(scanned(tree, hub), "HSH-009") == []
    (hub / "models--org--base/refs/main").write_text(OTHER)
    assert "in the hub's cache here" in found(scanned(tree, hub), "HSH-009")[0][3]


@pytest.mark.parametrize("said", ["", "main", COMMIT[:39], COMMIT + "0", COMMIT + " " * 40, "\x1b[31m" * 8])
def test_what_is_no_commit_resolves_nothing(tree: Path, tmp_path: Path, said: str) -> None:
    put(tree, {"train.py": OPEN})
    hub = cached(tmp_path)
    (hub / "models--org--base/refs/main").write_text(said)
    assert facts(scanned(tree, hub)) == []


# --- the cache itself is hostile --------------------------------------------------------------------------


def test_nothing_leads_out_of_the_cache(tmp_path: Path) -> None:
    hub = cached(tmp_path, {"tokenizer.json": FAST})
    (tmp_path / "secret").write_text(COMMIT)
    home = hub / "models--org--base"
    (home / "refs/out").symlink_to(tmp_path / "secret")
    (home / f"snapshots/{COMMIT}/out.json").symlink_to("../../../../secret")
    (hub / "models--org--moved").symlink_to(tmp_path)
    cache = HubCache(hub)
    assert cache.commit("org/base", "main") == COMMIT
    assert cache.read("org/base", COMMIT, "tokenizer.json", 1_000) == json.dumps(FAST).encode()
    for repository, ref in (
        *(("org/base", one) for one in ("out", "../../../secret", "/etc/passwd", "", "a\0b", "x" * 5_000)),
        *((one, "main") for one in ("..", "../org/base", "org/..", "a/b/c", "", "org/base\n")),
    ):
        assert cache.commit(repository, ref) == "", (repository, ref)
    for name in ("out.json", "../../refs/main", "..", "", "nothing"):
        assert cache.read("org/base", COMMIT, name, 1_000) is None, name
    with pytest.raises(LimitReached):
        cache.read("org/base", COMMIT, "tokenizer.json", 5)


def test_a_branch_with_a_slash_is_one(tmp_path: Path) -> None:
    assert HubCache(cached(tmp_path, ref="refs/pr/1")).commit("org/base", "refs/pr/1") == COMMIT


# --- tokenizers -------------------------------------------------------------------------------------------

SNAPSHOT = f"hf/models--org--base/snapshots/{COMMIT}"


def tokenizer(folder: str, fast: object = FAST, config: object = CONFIG) -> Files:
    return {
        f"{folder}/tokenizer.json": json.dumps(fast),
        f"{folder}/tokenizer_config.json": json.dumps(config),
        f"{folder}/model.safetensors": zeros({"a": (2,)}),
    }


CHANGED = {**FAST, "added_tokens": [{"id": 5, "content": "<s>"}, {"id": 6, "content": "<obey>"}]}
SWAPPED = {**FAST, "model": {"type": "BPE", "vocab": {"b": 0, "a": 1}}}


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        pytest.param(tokenizer("m"), [], id="the same"),
        pytest.param(
            tokenizer("m", CHANGED),
            [("WGT-005", "low", "token 6 is '<obey>' here and none there")],
            id="added",
        ),
        pytest.param(
            tokenizer("m", SWAPPED), [("WGT-005", "low", "2 numbers of the vocabulary differ")], id="swapped"
        ),
        pytest.param(
            tokenizer("m", config={**CONFIG, "bos_token": "</s>"}),
            [("WGT-005", "low", "bos_token is '</s>' here and '<s>' there")],
            id="a special token",
        ),
        pytest.param(
            tokenizer("m", config={**CONFIG, "chat_template": "{{ 'obey' }}"}),
            [("WGT-006", "low", "is not that of org/base at commit 123456789012")],
            id="a template",
        ),
        pytest.param(
            tokenizer(SNAPSHOT, CHANGED), [("WGT-005", "medium", "token 6")], id="in a snapshot's folder"
        ),
        pytest.param(
            {
                **tokenizer("m", CHANGED),
                "m/.cache/huggingface/download/tokenizer.json.metadata": f"{COMMIT}\n{'0' * 40}\n1.0\n",
            },
            [("WGT-005", "high", "token 6")],
            id="by the record of a download",
        ),
        pytest.param(
            tokenizer("m", CHANGED, {**CONFIG, "name_or_path": "org/other"}), [], id="of another model"
        ),
    ],
)
def test_a_tokenizer_is_held_against_the_commit_that_it_is_pinned_to(
    tree: Path, tmp_path: Path, files: Files, rows: list[tuple[str, str, str]]
) -> None:
    put(tree, {"train.py": PINNED, **files})
    hub = cached(tmp_path, {"tokenizer.json": FAST, "tokenizer_config.json": CONFIG})
    assert found(scanned(tree, None), "WGT-005", "WGT-006") == []
    seen = found(scanned(tree, hub), "WGT-005", "WGT-006")
    assert [(rule, level) for rule, _, level, _ in seen] == [row[:2] for row in rows]
    assert all(words in one[3] for one, (_, _, words) in zip(seen, rows, strict=True))


def test_the_lock_alone_ties_a_tokenizer_to_a_commit(tree: Path, tmp_path: Path) -> None:
    put(tree, {"train.py": OPEN, **tokenizer("m", CHANGED)})
    hub = cached(tmp_path, {"tokenizer.json": FAST, "tokenizer_config.json": CONFIG})
    assert found(scanned(tree, hub), "WGT-005") == []
    assert run(tree, "lock", ".", "--hub-cache", str(hub)).code == 0
    assert [row[2] for row in found(scanned(tree, hub), "WGT-005")] == ["low"]


def test_a_file_in_the_cache_that_is_broken_is_told(tree: Path, tmp_path: Path) -> None:
    put(tree, {"train.py": PINNED, **tokenizer("m")})
    hub = cached(tmp_path, {"tokenizer.json": "[" * 100_000})
    report = scanned(tree, hub)
    ((path, why),) = not_followed(report)
    assert (path, "whose file is broken" in why) == ("m/tokenizer.json", True)
    small = scanned(tree, cached(tmp_path / "two", {"tokenizer.json": FAST}), limits=Limits(text_bytes=70))
    assert any("text_bytes" in why for _, why in not_followed(small))


def test_a_cache_without_that_tokenizer_is_a_note(tree: Path, tmp_path: Path) -> None:
    put(tree, {"train.py": PINNED, **tokenizer("m")})
    report = scanned(tree, cached(tmp_path))
    assert any("was not held against org/base" in line for line in report.notices)


# --- who may name it --------------------------------------------------------------------------------------


def test_a_tree_names_no_cache_and_the_user_does(tree: Path, tmp_path: Path) -> None:
    put(tree, {"train.py": OPEN, "weighbridge.toml": 'hub-cache = "../hub"\n'})
    cached(tmp_path)
    done = run(tree, "scan", ".", "--no-advisories", "-f", "json")
    assert COMMIT not in done.out
    assert "weighbridge.toml:1 is ignored: which servers are asked" in done.err
    own = tmp_path / "config.toml"
    own.write_text('hub-cache = "hub"\n')
    assert COMMIT in run(tree, "scan", ".", "--no-advisories", "-f", "json", config=own).out


@pytest.mark.parametrize(
    ("names", "place"),
    [
        pytest.param({"HF_HUB_CACHE": "hub", "HF_HOME": "no"}, "hub", id="HF_HUB_CACHE"),
        pytest.param({"HF_HOME": "home"}, "home/hub", id="HF_HOME"),
        pytest.param({"XDG_CACHE_HOME": "xdg"}, "xdg/huggingface/hub", id="XDG_CACHE_HOME"),
        pytest.param({"HOME": "person"}, "person/.cache/huggingface/hub", id="the usual place"),
    ],
)
def test_default_is_where_the_client_keeps_it(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: Mapping[str, str], place: str
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in names.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    put(tree, {"train.py": OPEN})
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    cached(tmp_path / "made").rename(tmp_path / place)
    assert COMMIT in run(tree, "scan", ".", "--no-advisories", "-f", "json", "--hub-cache", "default").out


def test_a_cache_that_is_not_there_is_an_error_where_it_was_named(tree: Path, tmp_path: Path) -> None:
    done = run(tree, "scan", ".", "--hub-cache", str(tmp_path / "nowhere"))
    assert (done.code, "no such folder" in done.err) == (2, True)
