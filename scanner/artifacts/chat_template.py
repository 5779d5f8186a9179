"""Chat templates: Jinja that is rendered for every prompt, held against the sandboxed subset.

Law: Jinja's documentation, "Sandbox": no attribute that begins with an underscore, none of the internals of
functions, generators and frames. CVE-2024-34359 rendered templates of model files without that sandbox.
"""

import re
from collections.abc import Iterator

from sbom.record import replace
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB
from scanner.model import Event, Evidence, Subject
from scanner.readers import jinja
from scanner.readers.jinja import Use
from scanner.text import visible

_LONGEST = 4 * MIB  # the largest known template has some tens of kilobytes

# What leads from a plain object to everything that is loaded; as a text it has no place in a prompt.
_WALK = re.compile(
    r"__(?:class|bases?|mro|subclasses|globals|builtins|import|dict|getattribute|closure|reduce|reduce_ex"
    r"|wrapped|qualname)__"
)
_PIECE = re.compile(r"__\w*|\w*__")
_HIDDEN_NAME = re.compile(r"(?:^|\.)_")
# What the sandbox refuses although it does not begin with an underscore.
_INTERNALS = frozenset(
    {"mro", "func_globals", "func_code", "func_closure", "func_defaults", "im_func", "im_self", "im_class"}
    | {"gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "ag_frame", "ag_code", "tb_frame"}
    | {"f_globals", "f_builtins", "f_locals", "f_code", "f_back", "co_code", "co_consts"}
)
# Functions of the environment: called they are harmless, as objects they are the way out.
_FUNCTIONS = frozenset({"lipsum", "cycler", "joiner", "namespace", "range", "dict"})
_BUILTINS = frozenset(
    {"eval", "exec", "compile", "open", "getattr", "setattr", "globals", "locals", "vars", "breakpoint"}
    | {"import_module", "popen", "get_flashed_messages", "url_for"}
)
_LOADING_TAGS = frozenset({"import", "from", "include", "extends"})
_BY_ATTRIBUTE = frozenset(
    {"attr", "map", "selectattr", "rejectattr", "groupby", "sort", "sum", "unique", "min", "max"}
)


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-011 for each thing that the sandbox would refuse, once by name.

    Raises Malformed where a chat template cannot be followed to its end; a template that only its suffix
    brought here may be anybody's, with tags and delimiters of its own.
    """
    size = subject.source.size
    if size > min(_LONGEST, subject.limits.text_bytes):
        raise LimitReached("text_bytes", allowed=min(_LONGEST, subject.limits.text_bytes), found=size)
    is_chat = not subject.claimed_by_suffix or "chat" in subject.name.lower()
    try:
        text = subject.source.read_at(0, size).decode()
    except UnicodeDecodeError as error:
        raise Malformed("template-encoding", offset=error.start, wanted="UTF-8") from None
    template = jinja.read(text)
    seen: set[str] = set()
    has_pieces = any(use.kind == "text" and _PIECE.fullmatch(use.value) for use in template.uses)
    for use in template.uses:
        if use.kind == "computed-key" and has_pieces:
            # Loops, namespaces and tuples carry pieces past what is folded.
            use = replace(use, underscored=True)  # noqa: PLW2901  (the same use, with what is known now)
        reason = _reason(use, is_chat=is_chat)
        if reason is None or reason in seen:
            continue
        seen.add(reason)
        message = f"the template {reason}: outside the sandboxed subset"
        subject_of = f"{use.kind}:{visible(use.value or use.of, limit=80)}"
        place = subject.where.at(line=use.line)
        yield Evidence("ART-011", place, visible(message, limit=subject.limits.message_chars), subject_of)
    if template.problem is not None and is_chat:
        raise template.problem


def _reason(use: Use, *, is_chat: bool) -> str | None:
    """What a use does that plain formatting never needs, or None."""
    shown = visible(use.value, limit=80)
    if use.kind == "tag":
        return f"loads another template ({shown})" if is_chat and use.value in _LOADING_TAGS else None
    if use.kind in ("attribute", "key"):
        return _reach(use, shown)
    if use.kind == "name":
        return _name(use, shown)
    if use.kind == "computed-key" and use.underscored:
        return "puts the name of an attribute together from pieces with underscores"
    if use.kind == "argument":
        return _argument(use, shown)
    if use.kind == "filter" and use.of in _FUNCTIONS and use.of != "namespace":
        return f"takes the function {use.of} itself apart"
    found = _WALK.search(use.value) if use.kind == "text" else None
    return f"spells the attribute {found[0]} as a text" if found else None


def _reach(use: Use, shown: str) -> str | None:
    if use.kind == "attribute" and use.value.startswith("_"):
        return f"reaches for the attribute {shown}" + (f" of {use.of}" if use.of in _FUNCTIONS else "")
    if use.kind == "key" and (use.value.startswith("__") or _WALK.search(use.value)):
        return f"reaches for the attribute {shown} by subscript"
    if use.value in _INTERNALS:
        return f"reaches for the attribute {shown}"
    if use.kind == "attribute" and use.of in _FUNCTIONS and not use.value.isdigit():
        return f"takes the function {use.of} itself apart"
    return None


def _name(use: Use, shown: str) -> str | None:
    if use.value.startswith("__"):
        return f"uses the name {shown}"
    if use.value in _BUILTINS and use.of == "(":
        return f"calls {shown}"
    return None


def _argument(use: Use, shown: str) -> str | None:
    name, _, keyword = use.of.partition(".")
    if name not in _BY_ATTRIBUTE:
        return None
    if _HIDDEN_NAME.search(use.value) and (name != "map" or "__" in use.value or keyword):
        return f"reaches for the attribute {shown} by the filter {name}"
    if name == "attr" and not use.folded:
        return "reaches for an attribute whose name is put together when it is rendered"
    if use.underscored and not use.folded:
        return f"puts the name of an attribute together for the filter {name}"
    return None
