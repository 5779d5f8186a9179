"""Lists of packages inside other YAML files: each entry read as the installer that is handed it reads it."""

import re
from collections.abc import Iterator, Sequence

from sbom.model import Location
from sbom.record import replace
from scanner.manifests import conda, fetched, requirements, urls
from scanner.manifests.installers import Installs
from scanner.model import Declaration, Evidence, Include, IndexUse, Reading
from scanner.readers import yaml
from scanner.text import visible

_FILE = re.compile(r"\.?/?[\w./-]+\.(?:txt|in|toml|lock|ya?ml)", re.ASCII)
_INSTALLS = re.compile(
    r"\b(?:pip[0-9.]*|uv|uvx|pipx|conda|mamba|micromamba|apt|apt-get|curl|wget|vllm|text-generation-launcher"
    r"|sglang|lmdeploy|huggingface-cli|hf|aws|gsutil|gcloud|azcopy|git)\b|--model\b|--model[-_](?:id|path|name)",
    re.ASCII,
)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_MAX_WORDS = 10_000


def pip(node: yaml.Node, where: Location, group: str = "") -> Iterator[Reading]:
    """pip's lines in a list, or the file that holds them where there is only a name."""
    if node.kind == "scalar":
        if _FILE.fullmatch(node.text.strip()):
            yield included(node, where)
        return
    if node.kind == "map":
        packages = node.get("packages")
        if packages is not None:
            yield from pip(packages, where, group)
        return
    for one in node.scalars():
        if one.text.strip().startswith(("./", "../", "/")) and _FILE.fullmatch(one.text.strip()):
            continue
        for row in requirements.parse(one.text.encode("utf-8", "surrogatepass"), Location(where.path)):
            changes = {"group": group} if group and isinstance(row, Declaration) else {}
            yield replace(row, where=where.at(line=one.line), **changes)


def included(node: yaml.Node, where: Location) -> Include:
    """A file that the scalar names, relative to a place that is not written down."""
    return Include(node.text.strip(), where.at(line=node.line), by_command=True)


def conda_environment(node: yaml.Node, where: Location) -> Iterator[Reading]:
    """conda's packages (and pip's among them) in a mapping, or the file that holds them."""
    if node.kind == "scalar":
        if node.text.strip().endswith((".yml", ".yaml")):
            yield included(node, where)
        return
    channels = node.get("channels")
    named = channels.scalars() if channels is not None else []
    channel = named[0].text if named else ""
    wanted = node.get("dependencies")
    for item in wanted.items if wanted is not None else ():
        inner = item.get("pip") if item.kind == "map" else None
        if inner is not None:
            yield from pip(inner, where)
        elif item.kind == "scalar":
            at = where.at(line=item.line)
            found = conda.declared(item.text, at, channel)
            yield found if found is not None else bad(item, where, "it is no match specification")
    inner = node.get("pip")
    if inner is not None:
        yield from pip(inner, where)


def index(node: yaml.Node, where: Location, *, extra: bool) -> Iterator[Reading]:
    """The indexes that a scalar or a list names."""
    for one in node.scalars():
        if urls.scheme_of(one.text) and "$" not in one.text:
            url, had = urls.without_credentials(one.text.strip())
            yield IndexUse(url, where.at(line=one.line), extra=extra, had_credentials=had)


def scripts(node: yaml.Node, installs: Installs, lines: list[str]) -> Iterator[Reading]:
    """What the shell text of a scalar, or of each of a list, installs."""
    for one in node.scalars():
        yield from installs.read(yaml.script(one, lines))


def command(
    nodes: Sequence[yaml.Node], installs: Installs, lines: list[str], image: str = ""
) -> Iterator[Reading]:
    """What a container's command installs or serves, written as a list of words: a shell's script is one.

    ``image`` starts a program of its own where the words are only its options.
    """
    words = [one for node in nodes for one in node.scalars()][:_MAX_WORDS]
    if not any(_INSTALLS.search(one.text) for one in words):
        return
    head = words[0].text.rpartition("/")[2]
    single = len(words) == 1 and any(char.isspace() for char in words[0].text.strip())
    if single and words[0].text.lstrip().startswith("-"):
        texts = fetched.with_entry(words[0].text.split(), image)
        yield from installs.read_words(texts, words[0].line)
        return
    if head in _SHELLS or len(words) == 1:
        for one in words:
            if any(char.isspace() for char in one.text):
                yield from installs.read(yaml.script(one, lines))
        return
    texts = fetched.with_entry([one.text for one in words], image)
    at = [words[0].line] * (len(texts) - len(words)) + [one.line for one in words]
    yield from installs.read_words(texts, at)


def bad(node: yaml.Node, where: Location, why: str) -> Evidence:
    """COV-005 for an entry of a list."""
    shown = visible(urls.masked(node.text), limit=160)
    return Evidence(
        "COV-005",
        where.at(line=node.line),
        f"This entry is not read: {shown} ({why})",
        subject=f"{where.path}: {shown}",
        remedy="Correct the entry; what it asks for is in no list and was checked against nothing.",
    )
