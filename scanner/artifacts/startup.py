"""What Python runs by itself at each start: lines of path files, ``sitecustomize``, editable installs.

Law: Python's documentation, module ``site``. The honest ones are known by what they say, never by what they
are called: a file of an honest name with other content is judged like any other.
"""

import ast
import re
from collections.abc import Iterator
from hashlib import sha256

from scanner.artifacts import source
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB
from scanner.model import Event, Evidence, Factors, Subject, factors
from scanner.text import visible

RULE = "DEP-024"
_LONGEST = 1 * MIB
_SHOWN = 200

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
# SHA-256 of lines that need no other file to be understood: of setuptools (its own distutils, and namespace
# packages with nothing in the place of their name), of coverage and pytest-cov, which measure child processes
# where the environment asks for it, and of easy_install, which put in front what it installed.
_LINES = frozenset(
    {
        "15ac22534f1e86c6bf4c5cbf5c0ec64a490629d3f1b2c9f406f29d9dc4644327",
        "02d6e6955cdf353c03fb6a5e4b13222dabe54e8f082e7bd4cc0ecdbbdd869d65",
        "71aa5bcec251cfecd08f337419bf35864f37955c4c4c6d52da0219f75fd9ceca",
        "59744be2b70d20f42f1986b4da4be0e4cac67715c1f9cdcd3aad5662d905eaad",
        "2f70c2fa9227e9db9348215d9c7b246d2786aac7516f86d71a5952c7c225aa16",
        "792f1e64bdbc639bc9e69672208025d82d37f615b5a6bbff981b444ec1f214a5",
        "36871efda1ec9f45b7a62ce9e12bdf655e5134177b1c5f2f3cd4ca63bf08d3c1",
        "2c15fe4f4becab39cbb17747ff0127f55d0ad0ced5efdc3b310df39e7d408282",
        "b8e1b828090bfec4b25656d04cd0948d3e70221ea8281ac0e12569eef48ae2a6",
        "2cbb286eeaf39b2cd7d68cb09c1bc3cfb0cc8d27da949004d0c22698f127f270",
        "3c12f997ec8b39dbe446522be277c956e5dbfc0cf8a5b5db24527198b267e7ce",
        "de0dbd965e26d8442cc0ef1e5b8c5ef341c3f8d9323bbd21ba57bfcf654b4471",
    }
)
_NAMESPACE = re.compile(rf"types\.ModuleType\('({_NAME}(?:\.{_NAME})*)'\)")

# Lines that only run a module, which is judged by what it says where it lies.
_RUNS = re.compile(
    rf"import (?P<module>_virtualenv|_editable_impl_{_NAME}|__editable___{_NAME}_finder)"
    r"(?:; (?P=module)\.install\(\))?"
)

# SHA-256 of modules that always say the same (virtualenv 20.10 to 20.35), and of what setuptools 64 to 80
# write for an editable install, with nothing in the place of the project's own folders.
_MODULES = frozenset(
    {
        "684b8c07932ba4a84ac2e5ae9afe49ef04e92bac3d8d4191d455cf09d093e5fc",
        "c9199315871b11b12df226f890a38e66e63191e1adbfb11a66e6861151b33fca",
        "0f20351ea7e90039c46d3fabdef991f28b1e3ff33eb13ee6f0d5cd21ea0e8b14",
        "07584d2a5d13e0811eb567d78ed2aca0fb60e7defff59a01ca7a48d907bdea51",
        "8f50e46fe11af75fc26a2173f93f25c33186aceb0b797317561e302d5dc3ad80",
        "54445e7a09cf9edf079904436f6e0b1cbe98d02041e2663f7397bdcebab72fe2",
        "ed123573c8f61773e0b0de45c8be0b0f1145f942c15d844c84a6f60ff6ae4e28",
        "18016459dc9d77fdb8aac630e3f8fc9cb1675275c93c994c0c7103734ea6b87a",
        "64ed7a5269305f0bb504a033847149329017203b6d79f1f92d99701438a2cce5",
    }
)
_VALUES = re.compile(
    r"^(?P<name>MAPPING|NAMESPACES|PATH_PLACEHOLDER)(?P<type>(?:: [a-z\[\], ]+)?) = "
    r"(?P<value>.*?)(?P<end>(?: \+ [\"']\.__path_hook__[\"'])?)$",
    re.MULTILINE,
)
_REDIRECTS = re.compile(
    r"from editables\.redirector import RedirectingFinder as F\nF\.install\(\)"
    r"(?:\nF\.map_module\((?P<quoted>'[^'\\\n]*', '[^'\n]*')\))+\n?"
)
_DECODERS = re.compile(
    r"\b(?:base64|b64decode|b85decode|a85decode|zlib|lzma|bz2|marshal|fromhex|rot_?13|unhexlify)\b"
)


def is_known_line(line: str) -> bool:
    """Whether a line of a path file is one that a well-known tool writes, and complete in itself."""
    return sha256(_nameless(line.strip()).encode("utf-8", "replace")).hexdigest() in _LINES


def _nameless(line: str) -> str:
    """A namespace package's line without that package's name wherever it stands; any other as it is."""
    found = _NAMESPACE.search(line)
    if found is None:
        return line
    name = found[1]
    parent, _, child = name.rpartition(".")
    line = line.replace(f"*{tuple(name.split('.'))!r}", "*_").replace(f"'{name}'", "_")
    return line.replace(f"sys.modules[{parent!r}], {child!r}", "sys.modules[_], _")


def module_run(line: str) -> str:
    """The module that a well-known tool's line runs at the start, else nothing."""
    found = _RUNS.fullmatch(line.strip())
    return found["module"] if found else ""


def is_known_module(data: bytes) -> bool:
    """Whether the text of a module is one that a well-known tool writes for the start, or does nothing."""
    if sha256(data).hexdigest() in _MODULES:
        return True
    try:
        text = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return False
    if _REDIRECTS.fullmatch(text) or sha256(bare(text).encode()).hexdigest() in _MODULES:
        return True
    tree = source.parsed(data)
    return tree is not None and all(_is_idle(node) for node in tree.body)


def bare(text: str) -> str:
    """A finder of setuptools without the folders of the project that it finds."""
    return _VALUES.sub(
        lambda found: (
            f"{found['name']}{found['type']} = _{found['end']}" if _is_literal(found["value"]) else found[0]
        ),
        text.strip(),
    )


def inspect(subject: Subject) -> Iterator[Event]:
    """DEP-024 for a module that Python imports by itself. Raises Malformed where it is no Python."""
    if subject.source.size > _LONGEST:
        raise LimitReached("start_up", allowed=_LONGEST, found=subject.source.size)
    data = subject.source.read_at(0, subject.source.size)
    if is_known_module(data):
        return
    tree = source.parsed(data)
    doing, measured = what_it_does(data.decode("utf-8", "replace"))
    message = f"Python imports this module by itself at each start; {doing}"
    yield Evidence(RULE, subject.where, message, "start-up:module", factors=measured)
    if tree is None:
        raise Malformed("python", offset=0, found="no Python that can be parsed", wanted="a module")


def what_it_does(text: str) -> tuple[str, Factors]:
    """A half sentence on what code that runs at the start would do, and the factors that follow.

    Worst where it unpacks what it runs: nobody hides code that does nothing.
    """
    tree = source.parsed(text.strip().encode("utf-8", "replace"))
    if tree is None:
        return "it is no Python that we can parse", factors(effect="total", evidence="indicated")
    found = next(source.dangerous(tree), None)
    inner = _constants_that_run(tree)
    if found is None and inner is not None:
        found = next(source.dangerous(inner), None)
    if found is None:
        return "nothing in it was seen to run commands or to use the network", ()
    path, capability, _ = found
    hides = _DECODERS.search(text)
    said = f"it calls {visible(path, limit=80)}, which {capability}"
    if hides:
        return f"{said}, on what it unpacks with {hides[0]}", factors(effect="total", evidence="confirmed")
    return said, factors(effect="total", evidence="indicated")


def _constants_that_run(tree: ast.Module) -> ast.Module | None:
    """The first text that is handed to ``exec`` as it stands, parsed."""
    for path, _, node in source.calls(tree):
        argument = node.args[0] if node.args else None
        if path == "builtins.exec" and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return source.parsed(argument.value.encode("utf-8", "replace"))
    return None


def _is_literal(value: str) -> bool:
    try:
        ast.literal_eval(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError):
        return False
    return True


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement does nothing, or is the crash reporter in the ``sitecustomize`` of Debian."""
    if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return True
    return ast.unparse(node).startswith("try:") and ast.unparse(node) == _APPORT


_APPORT = ast.unparse(
    ast.parse(
        "try:\n import apport_python_hook\nexcept ImportError:\n pass\nelse:\n apport_python_hook.install()"
    )
)
