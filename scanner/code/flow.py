"""What comes from outside and is executed, what is fetched without a check, and checks switched off."""

import re
from collections.abc import Iterator, Mapping

from scanner.code import commands, targets
from scanner.code.apis import SETDEFAULT, WATCHED, Api, table
from scanner.code.arguments import argument_of
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.values import Choice, Const, Items, Made, Mix, Name, Table, Value, text_of
from scanner.model import Evidence, LoadSite, Reference, Resolved, factors
from scanner.patterns import pattern
from scanner.text import visible

_MODEL_SAYS = (
    ".chat.completions.create",
    ".completions.create",
    ".messages.create",
    ".responses.create",
    ".ChatCompletion.create",
    ".Completion.create",
    ".generate",
    ".generate_content",
    ".generate_text",
    ".text_generation",
    ".chat_completion",
    ".invoke",
    ".ainvoke",
    "litellm.completion",
    "ollama.chat",
    "ollama.generate",
    "transformers.pipeline.__call__",
)
# What text cannot pass as code: numbers, checks, quoting.
_CLEANS = frozenset(
    {
        "builtins.int",
        "builtins.float",
        "builtins.bool",
        "builtins.len",
        "builtins.isinstance",
        "builtins.hash",
        "builtins.type",
        "ast.literal_eval",
        "shlex.quote",
    }
)
_SETTINGS_FROM = ("yaml.", "json.", "omegaconf.", "tomllib.", "toml.", "configparser.")
_DATA = pattern(
    r"\.(?:pt|pth|ckpt|bin|pkl|pickle|joblib|npy|npz|h5|hdf5|keras|onnx|pb|tflite|safetensors|gguf|ggml|msgpack"
    r"|zip|tar|tgz|tar\.gz|gz|bz2|xz|zst|7z|whl|so|parquet|nemo|mar|mlmodel|model|weights)(?:\?.*)?\Z",
    re.IGNORECASE,
)
_OFF = frozenset({"verify", "verify_ssl", "ssl_verify", "check_hostname"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "/bin/sh", "/bin/bash", "python", "python3"})


def source_of(value: Value, program: Program, module: Module, depth: int = 0, *, files: bool = True) -> str:
    """What outside text reaches a value, in words; empty where none does.

    Without ``files`` the name of a file that was fetched is none: it is no text of a stranger.
    """
    if depth > 10:
        return ""
    inner: tuple[Value, ...] = ()
    if isinstance(value, Made):
        if value.dotted in _CLEANS:
            return ""
        row = table().find(value.dotted)
        if row is not None and row.does == "dataset":
            return f"a field of a data set ({value.dotted})"
        if row is not None and (row.does == "request" or (files and row.does == "fetch")):
            return f"what {value.dotted} fetches"
        if value.dotted.endswith(_MODEL_SAYS):
            return f"what a model wrote ({value.dotted.lstrip('?.')})"
        inner = (*value.args, *(each for _, each in value.keywords))
        if value.base is not None:
            inner = (value.base, *inner)
    elif isinstance(value, Mix):
        inner = value.parts
    elif isinstance(value, Items | Choice):
        inner = value.values
    elif isinstance(value, Table):
        inner = tuple(each for _, each in value.pairs)
    for each in inner[:32]:
        for settled in program.settled(each, module) if not isinstance(each, Const) else ():
            found = source_of(settled, program, module, depth + 1, files=files)
            if found:
                return found
    return ""


def executed(
    api: Api, call: Call, module: Module, program: Program, fetched: Mapping[str, str]
) -> Iterator[Evidence | LoadSite]:
    """SRC-006 for outside text that is run as code; SRC-010 for a name out of a configuration.

    ``fetched`` has the files that the module fetches, with the address of each.
    """
    if api.does == "resolver":
        yield from targets.resolver(api, call, module, program)
        return
    value = argument_of(call, api.keywords, api.at)
    if value is None:
        return
    rows = program.settled(value, module)
    shown = visible(call.dotted.removeprefix("builtins."))
    if api.does == "execute":
        by_shell = not call.dotted.startswith("subprocess.") or _by_shell(call, rows)
        texts = rows if by_shell else ()
        files = not api.shell
        source = next(
            (found for each in texts if (found := source_of(each, program, module, files=files))), ""
        )
        if not source and api.shell:
            source = _run_file(call, rows, module, program, fetched)
        if source:
            message = f"{shown} executes {visible(source)}"
            yield Evidence("SRC-006", call.where, message, f"{shown}:{source}", (), api.fix)
        return
    source = next((found for each in rows if (found := source_of(each, program, module))), "")
    named = source or next((found for each in (value, *rows) if (found := _setting(each))), "")
    if not named and api.does != "instantiate":
        return
    named = named or "its configuration"
    parts = tuple(targets.parts(value, module, program)) if api.does == "instantiate" else ()
    if parts and not source:
        named = ", ".join(part.path for part in parts[:3]) + (" and more" if len(parts) > 3 else "")
    for part in parts:
        yield targets.site(api, call, part, module, program)
    measured = factors(ref=named, origin="unverified") if source else ()
    message = (
        f"{shown} imports or calls whatever {visible(named)} names{targets.told(parts, module, program)}"
    )
    yield Evidence("SRC-010", call.where, message, f"{shown}:{call.function}", measured, api.fix)


def _run_file(
    call: Call, rows: tuple[Value, ...], module: Module, program: Program, fetched: Mapping[str, str]
) -> str:
    """The file that a command runs and the module fetched, in words; empty where it runs none."""
    told: list[str] = []

    def is_file(value: Value) -> bool:
        for each in program.settled(value, module):
            row = table().find(each.dotted) if isinstance(each, Made) else None
            if isinstance(each, Made) and row is not None and row.does == "fetch":
                told.append(f"what {each.dotted} fetches")
                return True
        return False

    shell = not call.dotted.startswith("subprocess.") or _has_shell(call)
    for each in rows:
        if commands.runs(each, is_file, shell=shell):
            return told[0]
        known = commands.runs_one_of(each, fetched, shell=shell)
        if known:
            return f"what is fetched from {fetched[known]}"
    return ""


def _has_shell(call: Call) -> bool:
    shell = dict(call.keywords).get("shell")
    return isinstance(shell, Const) and shell.value is True


def _by_shell(call: Call, rows: tuple[Value, ...]) -> bool:
    if _has_shell(call):
        return True
    for each in rows:
        words = each.values if isinstance(each, Items) else ()
        first = text_of(words[0]) if words else None
        interpreter = first in _SHELLS or (bool(words) and words[0] == Name("sys.executable"))
        if interpreter and len(words) > 2 and (text_of(words[1]) or "").endswith("c"):
            return True
    return False


def _setting(value: Value) -> str:
    """The configuration that a value was read from."""
    while isinstance(value, Made):
        if value.dotted.startswith(_SETTINGS_FROM):
            return f"a configuration ({value.dotted})"
        if value.base is None:
            return ""
        value = value.base
    return ""


# --- fetches -----------------------------------------------------------------------------------------------


def fetch(
    api: Api, call: Call, module: Module, program: Program, *, checked: bool
) -> Iterator[Evidence | Reference]:
    """The address that is fetched, and HSH-002 where nothing is there to check the file against."""
    digest = any(_is_given(dict(call.keywords).get(name)) for name in api.digest)
    for target in program.targets(argument_of(call, api.keywords, api.at), module):
        if not isinstance(target, Resolved) or target.kind != "url":
            continue
        if not target.name.startswith(("http://", "https://", "ftp://", "s3://", "gs://")):
            continue
        if api.does == "request" and not _DATA.search(target.name):
            continue
        shown = visible(target.name, limit=200)
        yield Reference("url", target.name, call.where, api=call.dotted)
        if not digest and not checked:
            message = f"{shown} is fetched without a digest to check it against"
            yield Evidence("HSH-002", call.where, message, f"url:{target.name}", (), api.fix)


def _is_given(value: Value | None) -> bool:
    return value is not None and not (isinstance(value, Const) and value.value in (None, False, ""))


# --- tokens ------------------------------------------------------------------------------------------------

_TOKEN = pattern(r"hf_[A-Za-z0-9]{34,}", re.ASCII)
_SHOWN = 6  # characters of a token that are told, so that its owner knows it


def tokens(call: Call) -> Iterator[Evidence]:
    """SEC-004 for a token of the hub that is written out in a call; all but its beginning is masked."""
    given = (*(("", value) for value in call.args), *call.keywords)
    for name, value in given:
        text = text_of(value)
        if text is None or _TOKEN.fullmatch(text) is None:
            continue
        shown = f"{text[:_SHOWN]}…"
        what = f"{visible(call.dotted.lstrip('?.'))} is given a token of the hub"
        message = f"{what} that is written out: {f'{visible(name)}=' if name else ''}{shown}"
        remedy = "revoke the token at huggingface.co/settings/tokens, then read it from the environment"
        yield Evidence("SEC-004", call.where, message, f"token:{shown}", (), remedy)


# --- checks switched off -----------------------------------------------------------------------------------


def unverified(call: Call) -> Iterator[Evidence]:
    """HSH-008 for a call that fetches without checking who answers."""
    if not call.dotted.startswith(WATCHED):
        return
    off = ""
    for name, value in call.keywords:
        if name in _OFF and _is_false(value):
            off = f"{name}=False"
        elif name == "ssl" and call.dotted.startswith("aiohttp.") and _is_false(value):
            off = "ssl=False"
        elif name == "cert_reqs" and value in (Const("CERT_NONE"), Name("ssl.CERT_NONE")):
            off = "cert_reqs=CERT_NONE"
    if call.dotted == "ssl._create_unverified_context":
        off = "the context is made without verification"
    if off:
        yield _switched_off(call.dotted, off, call)


def _is_false(value: Value) -> bool:
    return isinstance(value, Const) and value.value is False


def _switched_off(dotted: str, off: str, call: Call) -> Evidence:
    message = f"{visible(dotted)} does not check who it speaks to: {off}"
    remedy = "leave verification on; for a private authority name its certificate (verify='/path/ca.pem')"
    return Evidence("HSH-008", call.where, message, f"{dotted}:{off}", (), remedy)


def settings(module: Module) -> Iterator[Evidence]:
    """HSH-008 for settings that switch verification off for everything that follows."""
    by_call = [
        (f"os.environ[{name}]", call.args[1], call.where)
        for call in module.calls
        if call.dotted in {SETDEFAULT, "os.putenv"} and len(call.args) > 1 and (name := text_of(call.args[0]))
    ]
    for dotted, value, where in (*module.settings, *by_call):
        plain = value.value if isinstance(value, Const) else None
        name = value.dotted if isinstance(value, Name) else ""
        off = (
            (dotted.endswith("_BUNDLE]") and plain == "")
            or (dotted.endswith("PYTHONHTTPSVERIFY]") and plain == "0")
            or (dotted.endswith(("_VERIFY]", "_LOAD]")) and str(plain).lower() in {"1", "true", "yes", "on"})
            or (dotted.endswith(".verify") and plain is False)
            or (dotted.endswith(".verify_mode") and name == "ssl.CERT_NONE")
            or (dotted.endswith("_https_context") and name == "ssl._create_unverified_context")
        )
        if off:
            call = Call(dotted, (), (), where)
            yield _switched_off(dotted, f"it is set to {plain if name == '' else name!r}", call)
