"""Models that commands fetch, and what comparison of a digest settles them."""

import pytest

from sbom.model import Location
from scanner.manifests import dockerfile, gitlab_ci, notebook, ray, scripts, skypilot, workflow
from scanner.model import Evidence, ManifestParser

COMMIT = "c" * 40


def found(text: str, parse: ManifestParser = scripts.parse_shell) -> list[tuple[str, int | None]]:
    """The subject and line of each file that nothing is compared with."""
    read = parse(text.encode(), Location("x"))
    rows = [row for row in read if isinstance(row, Evidence) and row.rule == "HSH-002"]
    return [(row.subject.removeprefix("url:"), row.where.line) for row in rows]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("wget https://h/m.pt", [("https://h/m.pt", 1)], id="wget"),
        pytest.param("\ncurl -LO https://h/m.gguf", [("https://h/m.gguf", 2)], id="curl"),
        pytest.param("sudo wget https://h/m.pt", [("https://h/m.pt", 1)], id="with sudo"),
        pytest.param("U=https://h/m.pt\ncurl -o x $U", [("https://h/m.pt", 2)], id="a variable"),
        pytest.param(
            "curl -LO https://h/$V/m.pt", [("https://h/$V/m.pt", 1)], id="a part that is not known"
        ),
        pytest.param("wget -O m.pt https://h/dl?id=3", [("https://h/dl", 1)], id="the name it is saved by"),
        pytest.param("curl https://h/dl > m.pt", [("https://h/dl", 1)], id="redirected"),
        pytest.param(
            "curl https://u:pw@h/m.pt?sig=SECRET -o m.pt", [("https://h/m.pt", 1)], id="no secret is shown"
        ),
        pytest.param(
            "curl -L https://h/models.tar.gz | tar xz", [("https://h/models.tar.gz", 1)], id="an archive"
        ),
        pytest.param(
            "bash -c 'curl -O https://h/m.pt'", [("https://h/m.pt", 1)], id="a shell inside of a shell"
        ),
        pytest.param(
            "wget https://h/a.pt https://h/b.pt", [("https://h/a.pt", 1), ("https://h/b.pt", 1)], id="two"
        ),
    ],
)  # fmt: skip
def test_a_model_without_a_digest_is_told(text: str, wanted: list[tuple[str, int | None]]) -> None:
    assert found(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('wget https://h/m.pt && echo "ab  m.pt" | sha256sum -c -', id="echoed"),
        pytest.param("wget https://h/m.pt\nsha256sum --check SHA256SUMS", id="a list"),
        pytest.param("wget https://h/m.pt\nshasum -a 256 -c SUMS", id="shasum"),
        pytest.param("wget https://h/m.pt\nsha256sum -c <<< 'ab  m.pt'", id="a here-string"),
        pytest.param("wget https://h/m.pt\nsha256sum -c <<E\nab  m.pt\nE", id="a here-document"),
        pytest.param('wget https://h/m.pt\n[ "$(sha256sum m.pt | cut -c1-64)" = "$S" ] || exit 1', id="test"),
        pytest.param("wget https://h/m.pt\nsha256sum m.pt | grep -q ab", id="grep"),
        pytest.param('wget https://h/m.pt\nS=$(sha256sum m.pt)\n[ "$S" = ab ]', id="compared later"),
        pytest.param("wget https://h/m.pt\nif ! sha256sum -c S; then exit 1; fi", id="a condition"),
        pytest.param("bash -c 'wget https://h/m.pt'\nsha256sum -c S", id="after a shell in a shell"),
        pytest.param("wget https://h/m.pt\ngpg --verify m.pt.sig m.pt", id="a signature"),
        pytest.param("wget https://h/m.pt\ncosign verify-blob --key k m.pt", id="cosign"),
        pytest.param('curl -o $D/m.pt https://h/m.pt\necho "$S $D/m.pt" | sha256sum -c', id="variables"),
        pytest.param("aria2c --checksum=sha-256=ab https://h/m.pt", id="aria2c compares it"),
        pytest.param("wget https://h/m.pt\npython -c 'import hashlib; …'", id="by Python"),
        pytest.param(f"wget https://huggingface.co/o/m/resolve/{COMMIT}/m.pt", id="at a commit"),
        pytest.param("curl -I https://h/m.pt", id="only asked about"),
        pytest.param("wget --spider https://h/m.pt", id="only looked for"),
        pytest.param("curl -T m.pt https://h/m.pt", id="put there"),
        pytest.param("curl -O https://h/index.html", id="a page"),
        pytest.param("wget https://h/tool.tar.gz", id="an archive of something else"),
        pytest.param("wget https://h/data.csv", id="a table"),
        pytest.param("echo wget https://h/m.pt", id="no fetch"),
    ],
)
def test_what_is_compared_or_is_no_model_is_quiet(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("sha256sum -c S\nwget https://h/m.pt", id="compared before it is there"),
        pytest.param("wget https://h/m.pt\nsha256sum m.pt", id="a digest that is only shown"),
        pytest.param("wget https://h/m.pt\nsha256sum m.pt | tee log", id="a digest that is only logged"),
        pytest.param("wget https://h/m.pt\nsha256sum -c S || true", id="whose failure is ignored"),
        pytest.param("wget https://h/m.pt\necho 'ab  other' | sha256sum -c -", id="of another file"),
        pytest.param("wget https://h/m.pt\ngpg --import key", id="no signature is looked at"),
        pytest.param(f"wget https://evil.test/o/m/resolve/{COMMIT}/m.pt", id="a host that knows no commits"),
        pytest.param("wget https://huggingface.co/o/m/resolve/main/m.pt", id="a branch"),
        pytest.param("wget https://h/M.PT", id="capitals"),
    ],
)
def test_what_only_looks_like_a_comparison_is_told(text: str) -> None:
    assert len(found(text)) == 1


DOCKER = [
    pytest.param("ADD https://h/m.pt /m/", 1, id="ADD"),
    pytest.param('ADD ["https://h/m.pt", "/m/"]', 1, id="in JSON"),
    pytest.param("ARG V=1\nADD https://h/$V/m.pt /m/", 1, id="an ARG"),
    pytest.param("ADD --chown=1 https://h/m.pt /m/", 1, id="another flag"),
    pytest.param(f"ADD --checksum=sha256:{'a' * 64} https://h/m.pt /m/", 0, id="its digest is given"),
    pytest.param("ADD https://h/m.pt /m/\nRUN echo 'ab  /m/m.pt' | sha256sum -c", 0, id="compared later"),
    pytest.param("COPY https://h/m.pt /m/", 0, id="COPY fetches nothing"),
    pytest.param("ADD m.pt /m/", 0, id="a file of the tree"),
    pytest.param("RUN wget https://h/m.pt\nRUN sha256sum -c S", 0, id="compared by the next command"),
    pytest.param("RUN wget https://h/m.pt", 1, id="RUN"),
]


@pytest.mark.parametrize(("text", "count"), DOCKER)
def test_an_image_is_built_of_what_it_fetches(text: str, count: int) -> None:
    assert len(found(f"FROM x@sha256:{'a' * 64}\n{text}\n", dockerfile.parse)) == count


FILES = [
    pytest.param(
        workflow.parse,
        "jobs: {a: {steps: [{run: 'wget https://h/m.pt'}, {run: 'sha256sum -c S'}]}, b: {steps: [{run: 'wget https://h/n.pt'}]}}",
        id="each job of a workflow by itself",
    ),
    pytest.param(gitlab_ci.parse, "a: {script: ['wget https://h/n.pt']}", id="GitLab"),
    pytest.param(
        notebook.parse,
        '{"cells": [{"cell_type": "code", "source": "!wget https://h/n.pt"}], "nbformat": 4, "metadata": {}}',
        id="a notebook",
    ),
    pytest.param(scripts.parse_make, "all:\n\twget https://h/n.pt\n", id="make"),
    pytest.param(
        ray.parse,
        "cluster_name: x\nprovider: {type: aws}\nsetup_commands: ['wget https://h/n.pt']\n",
        id="Ray",
    ),
    pytest.param(
        skypilot.parse, "resources: {accelerators: A100}\nsetup: wget https://h/n.pt\n", id="SkyPilot"
    ),
]


@pytest.mark.parametrize(("parse", "text"), FILES)
def test_other_files_with_commands_are_read_alike(parse: ManifestParser, text: str) -> None:
    assert [subject for subject, _ in found(text, parse)] == ["https://h/n.pt"]
