"""Models and data that commands fetch or serve."""

import pytest

from sbom.model import Location
from scanner.manifests import compose, dockerfile, kubernetes, scripts
from scanner.model import Declaration, Evidence, ManifestParser, Tracked

SPACY = "https://github.com/explosion/spacy-models/releases/download/"
COMMIT = "c" * 40


def rows(text: str) -> tuple[list[str], list[str]]:
    """The addresses and repositories that a script names, and its rules."""
    read = list(scripts.parse_shell(text.encode(), Location("x.sh")))
    named = [row.path for row in read if isinstance(row, Tracked)]
    named += [f"{row.name}@{row.version or row.specifier}" for row in read if isinstance(row, Declaration)]
    return named, [row.rule for row in read if isinstance(row, Evidence)]


@pytest.mark.parametrize(
    ("text", "named", "rules"),
    [
        pytest.param("aws s3 cp s3://b/m.pt m.pt", ["s3://b/m.pt"], [], id="aws"),
        pytest.param("aws --profile x s3 sync s3://b/models ./models", ["s3://b/models"], [], id="a folder"),
        pytest.param("aws s3 cp m.pt s3://b/m.pt", [], [], id="put there, not taken"),
        pytest.param("aws s3 cp $X m.pt", [], [], id="a variable"),
        pytest.param("gsutil -m cp -r gs://b/ckpt .", ["gs://b/ckpt"], [], id="gsutil"),
        pytest.param("gcloud storage cp gs://b/m.onnx .", ["gs://b/m.onnx"], [], id="gcloud"),
        pytest.param(
            "azcopy copy 'https://a.blob.core.windows.net/c/m.bin?sig=SECRET' .",
            ["https://a.blob.core.windows.net/c/m.bin"],
            [],
            id="a signed address keeps its secret",
        ),
        pytest.param("wget -q https://h/w.safetensors", ["https://h/w.safetensors"], ["HSH-002"], id="wget"),
        pytest.param("curl -o x https://u:p@h/w.gguf?x=1", ["https://h/w.gguf"], ["HSH-002"], id="secrets"),
        pytest.param("wget https://h/models/a.tgz", ["https://h/models/a.tgz"], ["HSH-002"], id="an archive"),
        pytest.param("wget https://h/tool.tar.gz", [], [], id="another archive"),
        pytest.param("curl https://h/index.html", [], [], id="a page"),
        pytest.param("hf download o/m --local-dir x", ["o/m@"], ["SRC-005"], id="hf"),
        pytest.param(f"hf download o/m --revision {COMMIT}", [f"o/m@{COMMIT}"], [], id="at a commit"),
        pytest.param(
            "huggingface-cli download --repo-type dataset o/d", ["datasets/o/d@"], ["DAT-001"], id="data"
        ),
        pytest.param("huggingface-cli download $MODEL", [], [], id="a variable of the hub"),
        pytest.param("huggingface-cli login", [], [], id="no download"),
        pytest.param("git clone https://huggingface.co/o/m", ["o/m@"], ["SRC-005"], id="git"),
        pytest.param("git clone https://github.com/o/m", [], [], id="another host"),
        pytest.param("vllm serve o/m", ["o/m@"], ["SRC-005"], id="vllm"),
        pytest.param("vllm serve o/m --trust-remote-code", ["o/m@"], ["SRC-001"], id="its program"),
        pytest.param(
            f"vllm serve o/m --trust-remote-code --revision={COMMIT}",
            [f"o/m@{COMMIT}"],
            ["SRC-002"],
            id="pinned",
        ),
        pytest.param("vllm serve ./models/m --trust-remote-code", [], [], id="a folder"),
        pytest.param(
            "python -m vllm.entrypoints.openai.api_server --model o/m", ["o/m@"], ["SRC-005"], id="module"
        ),
        pytest.param("text-generation-launcher --model-id o/m", ["o/m@"], ["SRC-005"], id="tgi"),
        pytest.param("python -m sglang.launch_server --model-path o/m", ["o/m@"], ["SRC-005"], id="sglang"),
        pytest.param(
            "python -m spacy download en_core_web_sm", [f"{SPACY}en_core_web_sm"], [], id="a model of spaCy"
        ),
        pytest.param("spacy download -q $M", [], [], id="a variable of spaCy"),
        pytest.param("spacy train config.cfg", [], [], id="spaCy downloads nothing"),
        pytest.param(
            "torchserve --start --model-store s --models a=https://h/a.mar b.mar --ncs",
            ["https://h/a.mar"],
            ["HSH-002"],
            id="torchserve",
        ),
        pytest.param("python -m http.server --model o/m", [], [], id="another module"),
        pytest.param("python train.py --model o/m", [], [], id="a script of one's own"),
    ],
)  # fmt: skip
def test_what_is_fetched_or_served_is_named(text: str, named: list[str], rules: list[str]) -> None:
    assert rows(text) == (named, rules)


@pytest.mark.parametrize(
    "text", ["hf download", "aws s3", "vllm serve", "git clone", "wget", "hf download --revision"]
)
def test_half_a_command_names_nothing(text: str) -> None:
    assert rows(text) == ([], [])


SERVED = [
    pytest.param(dockerfile.parse, 'FROM x@sha256:0\nCMD ["vllm", "serve", "o/m"]', id="an exec form"),
    pytest.param(dockerfile.parse, "FROM x@sha256:0\nENTRYPOINT vllm serve o/m", id="a shell form"),
    pytest.param(compose.parse, "services: {a: {command: vllm serve o/m}}", id="a line of compose"),
    pytest.param(compose.parse, "services: {a: {command: [vllm, serve, o/m]}}", id="words of compose"),
    pytest.param(
        compose.parse,
        "services: {a: {image: vllm/vllm-openai, command: --port 80 --model o/m}}",
        id="options of an image's own program",
    ),
    pytest.param(
        kubernetes.parse,
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: g.io/h/text-generation-inference\n"
        '    args: ["--model-id", "o/m"]\n',
        id="a container of Kubernetes",
    ),
]


@pytest.mark.parametrize(("parse", "text"), SERVED)
def test_what_a_container_serves_is_named(parse: ManifestParser, text: str) -> None:
    read = list(parse(text.encode(), Location("x")))
    assert [row.name for row in read if isinstance(row, Declaration) and row.ecosystem == "huggingface"] == [
        "o/m"
    ]
    assert "SRC-005" in [row.rule for row in read if isinstance(row, Evidence)]


def test_options_of_another_image_name_nothing() -> None:
    text = b"services: {a: {image: mine/app, command: --model o/m}}"
    assert [row for row in compose.parse(text, Location("x")) if isinstance(row, Evidence)] == []
