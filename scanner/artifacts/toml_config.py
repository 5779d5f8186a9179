"""TOML that a program builds objects from: the targets of Hydra, jsonargparse and their like.

Laws: those of ``targets``; TOML 1.0. Lightning's command line, confection and Dynaconf read TOML as they
read YAML.
"""

from collections.abc import Iterator

from scanner.artifacts import ray_config, targets
from scanner.errors import LimitReached, Malformed
from scanner.model import Event, Subject
from scanner.patterns import pattern
from scanner.text import visible

_MARKS = (*(key.encode() for key in targets.KEYS), b"import_path", ray_config.KEY.encode())
_ESCAPED = pattern(rb'"[^"\n]{0,200}\\[uU]0[^"\n]{0,200}"\s*=')
_TYPE = pattern(rb"""\btype["']?\s*=\s*["']([A-Za-z_]\w*(?:\.\w+)+)["']""")
_STRING = pattern(r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:[^\"\\\n]++|\\.)*+\"|'[^'\n]*+'", 16)  # 16: re.DOTALL
# tomllib recurses into brackets, and takes its time over keys of many parts.
_MANY_PARTS = pattern(r"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){64}")


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-001 and ART-002 for what the file has called, ART-023 for what Ray installs for it.

    Raises Malformed or LimitReached only where one of the keys stands in it: other TOML is somebody else's.
    """
    source, limits = subject.source, subject.limits
    data = source.read_at(0, min(source.size, limits.text_bytes))
    if not any(mark in data for mark in _MARKS) and not _ESCAPED.search(data) and not _TYPE.search(data):
        return
    if source.size > limits.project_bytes:
        raise LimitReached("project_bytes", allowed=limits.project_bytes, found=source.size)
    config = _parsed(data)
    yield from targets.told(config, subject.where, limits.message_chars)
    yield from ray_config.told(config, subject.where, limits.message_chars)


def _parsed(data: bytes) -> object:
    import tomllib

    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if _MANY_PARTS.search(_STRING.sub("s", text)):
        raise LimitReached("nesting", allowed=64)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("toml", found=visible(str(error), limit=120), wanted="TOML") from error
