"""Second indexes, mutable refs, plain http and credentials."""

import pytest

from sbom.model import Location
from scanner.checks import origins
from scanner.inventory import take_stock
from scanner.manifests import pyproject, requirements, uv_lock
from scanner.model import Evidence

SHA = "a" * 64
HASHED = f"--hash=sha256:{SHA}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TORCH = "https://download.pytorch.org/whl/cu121"


def found(files: dict[str, str] | str) -> list[Evidence]:
    parsers = {"pyproject.toml": pyproject.parse, "uv.lock": uv_lock.parse}
    if isinstance(files, str):
        files = {"r.txt": files}
    stock = take_stock(
        {
            path: list(parsers.get(path, requirements.parse)(text.encode(), Location(path)))
            for path, text in files.items()
        }
    )
    return list(origins.check(stock))


def uv(index: str, source: str = "") -> dict[str, str]:
    text = f'[project]\nname = "app"\ndependencies = ["x"]\n[[tool.uv.index]]\nname = "corp"\n{index}\n'
    return {"pyproject.toml": text + (f"[tool.uv.sources]\n{source}\n" if source else "")}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param("x", id="the default index"),
        pytest.param("-i https://corp/simple\nx", id="one index in its place"),
        pytest.param(f"--extra-index-url https://corp/s\nx==1 {HASHED}", id="hashed names"),
        pytest.param("--extra-index-url https://pypi.org/simple/\nx", id="the default index again"),
        pytest.param("--no-index\n--extra-index-url https://corp/s\nx", id="no index at all"),
        pytest.param("--extra-index-url https://corp/s", id="no names"),
        pytest.param(
            f"--extra-index-url https://corp/s\nx @ git+https://h/x@{COMMIT}", id="no index asked for it"
        ),
        pytest.param(uv('url = "https://corp/s"\nexplicit = true', 'x = {index = "corp"}'), id="explicit"),
        pytest.param(uv('url = "https://corp/s"\ndefault = true'), id="default index of uv"),
        pytest.param(f"x @ git+ssh://git@h/x@{COMMIT}", id="a commit"),
        pytest.param(f"https://h/x-1-py3-none-any.whl#sha256={SHA}", id="a URL with its hash"),
        pytest.param(f"https://h/x-1-py3-none-any.whl {HASHED}", id="a URL with a hash beside it"),
        pytest.param(f"http://h/x-1-py3-none-any.whl {HASHED}", id="http that a hash ties down"),
        pytest.param("-i http://localhost:3141/root\n--trusted-host 127.0.0.1", id="loopback"),
        pytest.param("-i https://${USER}:${TOKEN}@corp/s", id="variables"),
        pytest.param("-e ./lib", id="a folder"),
    ],
)
def test_what_is_tied_down_is_no_finding(files: dict[str, str] | str) -> None:
    assert found(files) == []


def factors_of(row: Evidence) -> dict[str, str]:
    return {name: measured.value for name, measured in row.factors}


@pytest.mark.parametrize(
    ("files", "place"),
    [
        pytest.param(
            "x==1\n--extra-index-url https://corp/simple", "r.txt:2", id="a private index beside PyPI"
        ),
        pytest.param(
            "-i https://corp/s\n--extra-index-url https://pypi.org/simple\nx",
            "r.txt:2",
            id="PyPI beside a private one",
        ),
        pytest.param(
            "--extra-index-url https://test.pypi.org/simple\nx", "r.txt:1", id="an index that anybody fills"
        ),
        pytest.param("--extra-index-url ${EXTRA}\nx", "r.txt:1", id="a variable"),
        pytest.param("-f https://corp/links.html\nx", "r.txt:1", id="a page of links"),
        pytest.param(
            "--extra-index-url http://download.pytorch.org/whl\nx",
            "r.txt:1",
            id="a known one without encryption",
        ),
        pytest.param(
            "--extra-index-url https://download.pytorch.org.evil.example/whl\nx",
            "r.txt:1",
            id="a look-alike host",
        ),
        pytest.param(
            "--extra-index-url https://evil.example/download.pytorch.org/\nx",
            "r.txt:1",
            id="a known host in a path",
        ),
        pytest.param(
            "--extra-index-url https://download.pytorch.org@evil.example/\nx",
            "r.txt:1",
            id="a known host as user",
        ),
        pytest.param(
            "--extra-index-url 'https://evil.example\\@download.pytorch.org/'\nx", "r.txt:1", id="a backslash"
        ),
        pytest.param(
            "--extra-index-url https://storage.googleapis.com/jax-releases/../evil/\nx",
            "r.txt:1",
            id="out of a known folder",
        ),
        pytest.param(
            "--extra-index-url https://storage.googleapis.com/evil/\nx", "r.txt:1", id="a shared host"
        ),
        pytest.param(
            {
                "pyproject.toml": '[project]\nname="a"\ndependencies=["x"]\n[tool.uv]\nindex-strategy="unsafe-best-match"\nextra-index-url=["https://corp/s"]'
            },
            "pyproject.toml:6",
            id="uv told to be unsafe",
        ),
    ],
)
def test_two_indexes_for_one_name_are_index_confusion(files: dict[str, str] | str, place: str) -> None:
    (row,) = (row for row in found(files) if row.rule == "DEP-003")
    assert str(row.where) == place
    assert row.factors == ()
    assert "x" in row.message


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(f"--extra-index-url {TORCH}\ntorch==2.1.0+cu121", id="pytorch beside PyPI"),
        pytest.param(
            f"-i {TORCH}\n--extra-index-url https://pypi.org/simple\ntorch", id="PyPI beside pytorch"
        ),
        pytest.param(
            "-f https://storage.googleapis.com/jax-releases/jax_cuda_releases.html\njax",
            id="links of a known one",
        ),
        pytest.param(
            "--extra-index-url https://DOWNLOAD.pytorch.org:443/whl\ntorch", id="upper case and port"
        ),
        pytest.param(uv('url = "https://corp/s"'), id="uv takes the first that knows a name"),
    ],
)
def test_a_known_second_index_takes_away_a_safeguard_and_no_more(files: dict[str, str] | str) -> None:
    (row,) = found(files)
    assert row.rule == "DEP-003"
    assert factors_of(row) == {
        "effect": "weakens", "trigger": "on_use", "exploitation": "none", "evidence": "confirmed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        pytest.param("x @ git+https://h/x.git", "DEP-006", ["default branch"], id="default branch"),
        pytest.param("x @ git+https://h/x.git@main", "DEP-006", ["ref main"], id="a branch"),
        pytest.param(f"x @ git+https://h/x.git@{COMMIT[:12]}", "DEP-006", ["ref 0123"], id="a short commit"),
        pytest.param("https://h/x-1-py3-none-any.whl", "DEP-006", ["without a hash"], id="a URL"),
        pytest.param("-i http://corp/s\nx", "DEP-012", ["without encryption"], id="an index over http"),
        pytest.param("--trusted-host corp\nx", "DEP-012", ["not checked"], id="a trusted host"),
        pytest.param(
            "http://h/x-1-py3-none-any.whl", "DEP-012", ["without encryption"], id="a package over http"
        ),
        pytest.param("-i https://bob:hunter2@corp/s\nx", "DEP-013", ["corp"], id="an index with a password"),
        pytest.param(f"x @ git+https://hunter2@h/x@{COMMIT}", "DEP-013", ["h"], id="a package with a token"),
    ],
)
def test_what_others_can_change_or_read_is_caught(text: str, rule: str, words: list[str]) -> None:
    rows = [row for row in found(text) if row.rule == rule]
    (row,) = rows
    assert all(word in row.message for word in words)
    assert row.remedy
    assert "hunter2" not in repr(found(text))


def test_a_branch_that_a_lock_ties_to_a_commit_is_no_finding() -> None:
    lock = (
        'version = 1\n[[package]]\nname = "app"\nversion = "0"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "x" }]\n[[package]]\nname = "x"\nversion = "1"\n'
        f'source = {{ git = "https://h/x?branch=main#{COMMIT}" }}\n'
    )
    manifest = '[project]\nname = "app"\ndependencies = ["x @ git+https://h/x@main"]\n'
    assert [row.rule for row in found({"pyproject.toml": manifest})] == ["DEP-006"]
    assert found({"pyproject.toml": manifest, "uv.lock": lock}) == []


def test_every_known_index_is_reached_over_https_alone() -> None:
    for row in origins.KNOWN_INDEXES:
        url = f"{row.host}{row.path}"
        assert origins.known_index(f"https://{url}") == row
        assert origins.known_index(f"http://{url}") is None
        assert row.path.startswith("/")
        assert row.path.endswith("/")
