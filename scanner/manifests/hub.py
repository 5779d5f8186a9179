"""References to a model hub: what names a repository there, and what is only a path on somebody's disk.

Law: huggingface_hub's documentation, "Repo id" (letters, digits, ``-``, ``_``, ``.``; one slash at most) and
``hf://`` addresses (``datasets/`` and ``spaces/`` before the name, ``@revision`` behind it).
"""

import re

from sbom.model import Location
from scanner.manifests import urls
from scanner.model import Declaration, Origin, OriginKind


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ADDRESS = "https://huggingface.co"
_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?:{_PART}/)?{_PART}", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,254}", re.ASCII)
_URL = re.compile(
    r"(?:hf://|https?://(?:www\.)?(?:huggingface\.co|hf\.co)/)(?P<space>datasets/|spaces/|models/)?"
    r"(?P<name>[^/@:?#\s]+(?:/[^/@:?#\s]+)?)(?:[@:](?P<at>[^/?#\s]+)|/(?:tree|resolve|blob)/(?P<tree>[^/?#\s]+))?(?:[/?#].*)?",
    re.ASCII,
)
_LOCAL_FOLDERS = _words(
    "artifacts cache checkpoint checkpoints ckpt ckpts content data dist experiments export exports "
    "finetuned home input local log logs mnt model models out output outputs pretrained "
    "pretrained_models result results root run runs save saved saved_models scratch tmp train training "
    "weights workspace"
)
_CHECKPOINT = re.compile(r"(?:checkpoint|step|epoch)[-_]?\d+", re.IGNORECASE)
_WEIGHTS = (".bin", ".ckpt", ".gguf", ".h5", ".json", ".onnx", ".pkl", ".pt", ".pth", ".safetensors", ".tar")
# The hub's own models of its first years stand without a namespace.
_LEGACY = re.compile(
    r"(?:bert-(?:base|large)-[a-z-]+|(?:distil)?roberta-(?:base|large)(?:-[a-z-]+)?|distilbert-base-[a-z0-9-]+|"
    r"gpt2(?:-medium|-large|-xl)?|distilgpt2|openai-gpt|t5-(?:small|base|large|3b|11b)|albert-[a-z]+-v[12]|"
    r"xlnet-(?:base|large)-cased|xlm-(?:roberta|mlm|clm)-[a-z0-9-]+|camembert-base|transfo-xl-wt103|ctrl)",
    re.ASCII,
)


def reference(
    text: str, where: Location, revision: str = "", *, space: str = "", address: str = ADDRESS
) -> Declaration | None:
    """What a text that is meant for the hub names, or None where it names a path or nothing.

    ``space`` is ``datasets/`` or ``spaces/`` where the place tells it. Only a commit of 40 digits is a
    version: any other revision is one that its owner can move, and stands in the specifier.
    """
    text = text.strip()
    found = _URL.fullmatch(text) if "://" in text else None
    if found is not None:
        kind = found.group("space") or ""
        space = "" if kind == "models/" else kind or space
        revision = revision or found.group("at") or found.group("tree") or ""
        text = found.group("name")
    elif text.startswith("datasets/") and text.count("/") == 2:
        space, text = "datasets/", text.removeprefix("datasets/")
    if not _NAME.fullmatch(text) or ".." in text or "--" in text or text.endswith((".git", ".ipynb")):
        return None
    commit = urls.commit_of(revision) if len(revision) == 40 else ""
    ref = revision if not commit and _REVISION.fullmatch(revision) else ""
    name = f"{space}{text}"
    return Declaration(
        name,
        where,
        ecosystem="huggingface",
        version=commit,
        specifier=ref,
        origin=Origin(OriginKind.INDEX, f"{address}/{name}", ref=ref, commit=commit),
    )


def loaded_from(text: str, where: Location, revision: str = "") -> Declaration | None:
    """The hub model that a loader was pointed at, or None where that was most likely a folder.

    Such a field holds whatever somebody passed to ``from_pretrained``: ``org/name`` and ``./out`` alike. A
    name without a namespace counts only where the hub itself has such a model from its first years.
    """
    text = text.strip()
    if is_path(text) and "://" not in text:
        return None
    if "/" not in text and not _LEGACY.fullmatch(text):
        return None
    return reference(text, where, revision)


def is_path(text: str) -> bool:
    """Whether the text looks like a path on a disk rather than a name on the hub."""
    first, _, last = text.partition("/")
    return (
        text.startswith((".", "/", "~", "$"))
        or "\\" in text
        or text.endswith("/")
        or text.count("/") > 1
        or first.lower() in _LOCAL_FOLDERS
        or _CHECKPOINT.fullmatch(last or first) is not None
        or text.lower().endswith(_WEIGHTS)
    )
