"""Dockerfiles: images with their stages, what RUN installs, each at the line a person would edit."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import LimitReached, ScanError
from scanner.manifests import dockerfile
from scanner.model import Declaration, Evidence, Include, Reading

WHERE = Location("Dockerfile")
SHA = "a" * 64


def read(text: str | bytes) -> list[Reading]:
    return list(dockerfile.parse(text if isinstance(text, bytes) else text.encode(), WHERE))


def asked(text: str | bytes) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.ecosystem, row.name, row.version or row.specifier, row.where.line)
        for row in read(text)
        if isinstance(row, Declaration)
    ]


def rules(text: str) -> list[tuple[str, int | None]]:
    return [(row.rule, row.where.line) for row in read(text) if isinstance(row, Evidence)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("FROM python:3.11", [("oci", "python", "3.11", 1)], id="a tag"),
        pytest.param("FROM python", [("oci", "python", "latest", 1)], id="no tag means latest"),
        pytest.param("from python:3 as x\nFROM x", [("oci", "python", "3", 1)], id="a stage is no image"),
        pytest.param("FROM scratch", [], id="scratch is nothing"),
        pytest.param(
            f"FROM h:5000/a/b:1@sha256:{SHA}", [("oci", "h:5000/a/b", f"sha256:{SHA}", 1)], id="a digest"
        ),
        pytest.param(
            "ARG V=3.11\nFROM --platform=$P python:${V}-slim", [("oci", "python", "3.11-slim", 2)], id="ARG"
        ),
        pytest.param("FROM ${B:-a/b:1}", [("oci", "a/b", "1", 1)], id="a fallback"),
        pytest.param("COPY --from=g.io/x:1 a b", [("oci", "g.io/x", "1", 1)], id="copied from an image"),
        pytest.param(
            "RUN --mount=type=bind,from=g.io/x:1,target=/y true", [("oci", "g.io/x", "1", 1)], id="mounted"
        ),
        pytest.param("RUN pip install a==1", [("pypi", "a", "1", 1)], id="one line"),
        pytest.param(
            "RUN pip install \\\n  # why\n\n  a==1 \\\n  b\n",
            [("pypi", "a", "1", 4), ("pypi", "b", "", 5)],
            id="continued over comments and blank lines",
        ),
        pytest.param('RUN ["pip", "install", "a==1"]', [("pypi", "a", "1", 1)], id="JSON form"),
        pytest.param("RUN <<E\nset -e\npip install a\nE\nRUN pip install b", [
            ("pypi", "a", "", 3), ("pypi", "b", "", 5)], id="here-document"),
        pytest.param("RUN bash <<E\npip install a\nE", [("pypi", "a", "", 2)], id="a shell's here-document"),
        pytest.param("RUN cat <<E >x\npip install a\nE", [], id="a text that is only written"),
        pytest.param("# escape=`\nRUN pip install `\n a", [("pypi", "a", "", 3)], id="another escape"),
        pytest.param("FROM x:1\nARG T=2\nENV U=$T\nRUN pip install t==$U", [
            ("oci", "x", "1", 1), ("pypi", "t", "2", 4)], id="ENV from ARG"),
        pytest.param("RUN apt-get update && apt-get install -y git=1 curl", [
            ("apt", "git", "1", 1), ("apt", "curl", "", 1)], id="apt"),
        pytest.param("\ufeffFROM a:1\r\nRUN pip install b\r\n", [
            ("oci", "a", "1", 1), ("pypi", "b", "", 2)], id="a mark and CRLF"),
        pytest.param("ONBUILD RUN pip install a", [("pypi", "a", "", 1)], id="ONBUILD"),
    ],
)  # fmt: skip
def test_images_and_installs_are_read_at_their_lines(
    text: str, wanted: list[tuple[str, str, str, int | None]]
) -> None:
    assert asked(text) == wanted
    assert rules(text) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("RUN curl -fsSL https://a/x | sh", [("DEP-008", 1)], id="piped"),
        pytest.param("RUN wget -qO- https://a/x \\\n | tee l \\\n | sudo -E bash -s -- -y", [("DEP-008", 3)],
                     id="piped through tee into sudo"),
        pytest.param('RUN sh -c "$(curl -fsSL https://a/x)"', [("DEP-008", 1)], id="substituted"),
        pytest.param("RUN bash <(curl https://a/x)", [("DEP-008", 1)], id="process substitution"),
        pytest.param("RUN curl -o i.sh https://a/x\nRUN sh i.sh", [("DEP-008", 2)], id="over two commands"),
        pytest.param("RUN wget https://a/m.sh && chmod +x m.sh && ./m.sh", [("DEP-008", 1)], id="started"),
        pytest.param("RUN curl https://a/x | python3 -", [("DEP-008", 1)], id="python"),
    ],
)  # fmt: skip
def test_a_download_that_runs_unseen_is_caught(text: str, wanted: list[tuple[str, int]]) -> None:
    assert rules(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("RUN curl -o x.tgz https://a/x.tgz && tar xf x.tgz", id="only unpacked"),
        pytest.param("RUN curl -O https://a/i.sh && sha256sum -c s && sh i.sh", id="its digest is compared"),
        pytest.param("RUN curl https://a/x.json | python3 -m json.tool", id="data for a module"),
        pytest.param("RUN curl https://a/key | gpg --dearmor -o k", id="a key"),
        pytest.param("RUN curl https://a/x | python3 -c 'import sys'", id="data for a program of its own"),
    ],
)
def test_a_download_that_nothing_runs_is_no_finding(text: str) -> None:
    assert rules(text) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("ARG B\nFROM $B", [("COV-005", 2)], id="an image without a default"),
        pytest.param("FROM a@sha256:12", [("COV-005", 1)], id="half a digest"),
        pytest.param("RUN pip install $X", [("COV-005", 1)], id="packages in a variable"),
        pytest.param("RUN pip install 'a =>1' b", [("COV-005", 1)], id="no requirement"),
    ],
)
def test_what_cannot_be_known_is_said(text: str, wanted: list[tuple[str, int]]) -> None:
    assert rules(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("RUN p'i'p ins\\tall evil", id="quotes inside of a word"),
        pytest.param("RUN true;pip install evil", id="no blanks"),
        pytest.param("RUN (cd x && pip install evil)", id="a subshell"),
        pytest.param("RUN sh -c 'pip install evil'", id="a shell in the shell"),
        pytest.param(
            "RUN if true; then sudo -H -u me env A=1 pip3.11 install evil; fi", id="behind prefixes"
        ),
        pytest.param("RUN /opt/v/bin/python -I -m pip --no-cache-dir install evil", id="by its path"),
        pytest.param("RUN echo $(pip install evil)", id="substituted"),
        pytest.param("RUN pip install -Uqc c.txt evil", id="clustered options"),
        pytest.param("RUN conda run -n e pip install evil", id="inside of an environment"),
        pytest.param("RUN\tpip install evil", id="a tab"),
        pytest.param("RUN \\\n pip install evil", id="begun on the next line"),
        pytest.param("RUN uv add --dev evil", id="uv add"),
        pytest.param("RUN uvx evil --flag", id="uvx"),
    ],
)
def test_an_install_is_seen_however_it_is_written(text: str) -> None:
    assert "evil" in [name for _, name, _, _ in asked(text)]


def test_files_that_a_command_names_are_includes() -> None:
    found = [row for row in read("RUN pip install -r /tmp/r.txt -c c.txt") if isinstance(row, Include)]
    assert [(row.path, row.constraint, row.by_command) for row in found] == [
        ("/tmp/r.txt", False, True),
        ("c.txt", True, True),
    ]


def test_variables_cannot_make_a_small_file_large() -> None:
    text = "RUN A=" + "x" * 4000 + "\nRUN B=1 && echo " + "$A" * 100_000
    with contextlib.suppress(ScanError):
        read(text)
    with pytest.raises(LimitReached):
        read(b"#" * (2 * 1024 * 1024 + 1))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="RUN pipnstal\\\n\"'$({`)}<>|&;#-=FOM[],", max_size=80))
def test_any_text_ends_in_readings_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(ScanError):
        for row in read(f"RUN {text}"):
            assert row.where.line is not None
