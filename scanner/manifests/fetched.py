"""Models and data that commands of a shell fetch or serve: from hubs, buckets and addresses.

Laws: huggingface_hub's "Command Line Interface" (``hf download``); the references of ``aws s3``, ``gsutil``,
``gcloud storage``, ``azcopy``, ``s5cmd``, curl and wget; vLLM's ``serve``, text-generation-inference's
launcher and SGLang's server. Nothing is fetched here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from sbom.model import Location
from scanner.manifests import endings, hub, urls
from scanner.manifests.shell import Word
from scanner.model import Evidence, Origin, OriginKind, Reading, Tracked
from scanner.text import visible


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BUCKETS = (
    "s3://",
    "gs://",
    "gcs://",
    "az://",
    "abfs://",
    "abfss://",
    "wasb://",
    "wasbs://",
    "r2://",
    "oss://",
)
_BLOBS = re.compile(r"https://[a-z0-9]+\.blob\.core\.windows\.net/\S+", re.ASCII)
# Commands that copy out of buckets, with the words that have to follow.
_COPIES: Mapping[str, frozenset[str]] = {
    "aws": _words("cp sync mv"),
    "gsutil": _words("cp rsync mv"),
    "gcloud": _words("cp rsync mv"),
    "azcopy": _words("copy cp sync"),
    "s5cmd": _words("cp sync mv"),
    "rclone": _words("copy sync copyto"),
    "mc": _words("cp mirror"),
    "s3cmd": _words("get sync"),
}
_HUB = _words("huggingface-cli hf")
_HUB_VALUES = _words(
    "--repo-type --revision --include --exclude --cache-dir --local-dir --token --max-workers"
)
# Servers and tools that load the model which an option, or their first word, names.
_SERVERS = _words(
    "vllm text-generation-launcher sglang lmdeploy mlx_lm.generate mlx_lm.server optimum-cli lm_eval"
)
_SERVING = re.compile(
    r"(?:vllm|sglang|text_generation_server|lmdeploy|mlx_lm|fastchat|lm_eval)(?:\.[\w.]+)?", re.ASCII
)
_ENTRIES = {
    "vllm": "vllm",
    "text-generation-inference": "text-generation-launcher",
    "sglang": "sglang",
    "lmdeploy": "lmdeploy",
}
_MODEL = _words(
    "--model --model-id --model-path --model_id --model_name_or_path --model-name-or-path --tokenizer"
)
_TRUSTS = _words("--trust-remote-code --trust_remote_code")
_OFF = _words("false no 0")


def with_entry(words: Sequence[str], image: str) -> list[str]:
    """The words of a container's command behind the program that its image starts, where they are options."""
    entry = next((program for name, program in _ENTRIES.items() if name in image), "")
    return [entry, *words] if entry and words[:1] and words[0].startswith("-") else list(words)


def fetched(words: Sequence[Word], where: Location) -> Iterator[Reading]:
    """What one command fetches or serves: hub repositories, files in buckets and at addresses.

    SRC-005 or DAT-001 for a repository without a commit, SRC-001 or SRC-002 where its Python is run.
    """
    head = words[0].text.replace("\\", "/").rpartition("/")[2]
    rest = list(words[1:])
    if re.fullmatch(r"python[0-9.]*", head) and len(rest) > 1 and rest[0].text == "-m":
        head, rest = rest[1].text, rest[2:]
        if _SERVING.fullmatch(head):
            yield from _served(rest, where, first=False)
            return
    if head in endings.FETCHES:
        yield from _addresses(rest, where)
    elif head in _COPIES:
        verb = next((at for at, word in enumerate(rest[:8]) if word.text in _COPIES[head]), None)
        yield from _copied(rest[verb + 1 :] if verb is not None else [], where)
    elif head in _HUB and rest[:1] and rest[0].text == "download":
        yield from _downloaded(rest[1:], where)
    elif head == "spacy" and rest[:1] and rest[0].text == "download":
        yield from _spacy(rest[1:], where)
    elif head == "torchserve":
        yield from _archives(rest, where)
    elif head == "git" and any(word.text in {"clone", "lfs"} for word in rest[:2]):
        yield from _cloned(rest, where)
    elif head in _SERVERS:
        serves = rest[:1] and rest[0].text == "serve"
        yield from _served(rest[1:] if serves else rest, where, first=bool(serves))


def _addresses(words: Sequence[Word], where: Location) -> Iterator[Tracked]:
    for word in words:
        if word.open or urls.scheme_of(word.text) not in {"http", "https", "ftp"}:
            continue
        path = word.text.partition("?")[0].partition("#")[0]
        name = path.rpartition("/")[2]
        if endings.is_data(name, path):
            yield _tracked(word, where)


def _tracked(word: Word, where: Location) -> Tracked:
    clean, had = urls.without_credentials(word.text)
    clean = clean.partition("?")[0]
    return Tracked(clean, where.at(line=word.line), origin=Origin(OriginKind.URL, clean, had_credentials=had))


def _copied(words: Sequence[Word], where: Location) -> Iterator[Tracked]:
    """What a copy takes out of a bucket; what it puts there is not taken from outside."""
    plain = [word for word in words if not word.text.startswith("-")]
    for at, word in enumerate(plain):
        bucket = word.text.startswith(_BUCKETS) or _BLOBS.fullmatch(word.text)
        into = 0 < at == len(plain) - 1
        if bucket and not into and not word.open:
            yield _tracked(word, where)


def _options(words: Sequence[Word], values: frozenset[str]) -> tuple[dict[str, Word], list[Word]]:
    """The options with their values, and the words that are none."""
    found: dict[str, Word] = {}
    plain: list[Word] = []
    at = 0
    while at < len(words):
        name, equals, value = words[at].text.partition("=")
        if not name.startswith("-"):
            plain.append(words[at])
        elif equals:
            found[name] = Word(value, words[at].line, open=words[at].open)
        elif name in values and at + 1 < len(words):
            at += 1
            found[name] = words[at]
        else:
            found[name] = Word("", words[at].line)
        at += 1
    return found, plain


def _downloaded(words: Sequence[Word], where: Location) -> Iterator[Reading]:
    options, plain = _options(words, _HUB_VALUES)
    if not plain or plain[0].open:
        return
    kind = options["--repo-type"].text if "--repo-type" in options else "model"
    space = {"dataset": "datasets/", "space": "spaces/"}.get(kind, "")
    revision = options["--revision"].text if "--revision" in options else ""
    yield from _repository(plain[0], where, revision, "hf download", space=space)


def _spacy(words: Sequence[Word], where: Location) -> Iterator[Tracked]:
    """The package that ``spacy download`` installs from the releases of spaCy's own models."""
    for word in [word for word in words if not word.text.startswith("-")][:1]:
        if not word.open and re.fullmatch(r"[a-z]{2,3}_[\w.-]{1,96}", word.text, re.ASCII):
            name = f"https://github.com/explosion/spacy-models/releases/download/{word.text}"
            yield _tracked(Word(name, word.line), where)


def _archives(words: Sequence[Word], where: Location) -> Iterator[Tracked]:
    """The archives that TorchServe fetches: ``--models NAME=URL …``, up to the next option."""
    named = False
    for word in words:
        if word.text.startswith("-"):
            named = word.text.partition("=")[0] == "--models"
            continue
        address = word.text.partition("=")[2] or word.text
        address = word.text if urls.scheme_of(word.text) else address
        if named and not word.open and urls.scheme_of(address) in {"http", "https", "s3", "gs"}:
            yield _tracked(Word(address, word.line), where)


def _cloned(words: Sequence[Word], where: Location) -> Iterator[Reading]:
    for word in words:
        if not word.open and re.match(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/", word.text):
            yield from _repository(word, where, "", "git clone")


def _served(words: Sequence[Word], where: Location, *, first: bool) -> Iterator[Reading]:
    options, plain = _options(words, _MODEL | {"--revision", "--code-revision", "--tokenizer-revision"})
    named = [options[name] for name in sorted(_MODEL & options.keys())]
    named = [*plain[:1], *named] if first else named
    revision = options["--revision"].text if "--revision" in options else ""
    trusted = next((options[name] for name in sorted(_TRUSTS & options.keys())), None)
    for word in named:
        found = None if word.open else hub.loaded_from(word.text, where.at(line=word.line), revision)
        if found is None:
            continue
        yield found
        if trusted is None or trusted.text.lower() in _OFF:
            yield from _open(
                found.name, found.version, found.specifier, where.at(line=word.line), "the command"
            )
            continue
        shown = visible(found.name, limit=120)
        what = f"the command runs the program that comes with {shown}"
        at = where.at(line=word.line)
        if found.version:
            yield Evidence("SRC-002", at, f"{what}, at commit {found.version}", f"hub:{found.name}")
        else:
            remedy = "read the model's code, then pin it: --revision <commit> --code-revision <commit>"
            yield Evidence(
                "SRC-001", at, f"{what}, in whatever version there is", f"hub:{found.name}", (), remedy
            )


def _repository(
    word: Word, where: Location, revision: str, command: str, *, space: str = ""
) -> Iterator[Reading]:
    at = where.at(line=word.line)
    found = hub.reference(word.text, at, revision, space=space)
    if found is not None:
        yield found
        yield from _open(found.name, found.version, found.specifier, at, command)


def _open(name: str, version: str, ref: str, where: Location, command: str) -> Iterator[Evidence]:
    """SRC-005, or DAT-001 for a data set, where no commit is named."""
    if version:
        return
    rule = "DAT-001" if name.startswith("datasets/") else "SRC-005"
    shown = visible(name, limit=200)
    said = f"at {visible(ref, limit=80)}, which its owner can move" if ref else "as it is on the day"
    how = "check out the commit that you looked at" if command == "git clone" else "add --revision <commit>"
    message = f"{shown} is taken from the hub {said} ({command})"
    yield Evidence(rule, where, message, f"hub:{name}", (), how)
