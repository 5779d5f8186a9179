"""Pure: whether a module of Python only computes, as far as reading its tree can tell.

A guess in one direction: what it calls plain imports nothing but what models are written with, and reaches
for nothing by a computed name. Everything else is not said to be plain, which is no accusation.
"""

import ast

from scanner.artifacts import source

_IMPORTS = frozenset(
    {
        *("__future__", "abc", "bisect", "collections", "contextlib", "copy", "dataclasses", "datetime"),
        *("enum", "functools", "hashlib", "heapq", "inspect", "itertools", "json", "logging", "math"),
        *("numbers", "operator", "os", "pathlib", "random", "re", "statistics", "string", "time", "typing"),
        *("typing_extensions", "unicodedata", "uuid", "warnings", "PIL", "accelerate", "datasets"),
        *("diffusers", "einops", "flash_attn", "huggingface_hub", "jax", "numpy", "packaging", "pandas"),
        *("peft", "regex", "safetensors", "scipy", "sentence_transformers", "sentencepiece", "sklearn"),
        *("tiktoken", "timm", "tokenizers", "torch", "torchaudio", "torchvision", "tqdm", "transformers"),
        *("triton", "xformers"),
    }
)
_OF_OS = frozenset({"path", "environ", "PathLike", "sep", "fspath", "getenv", "listdir"})
# Attributes and names by which anything else is reached, or that change what lies on the disk or elsewhere.
_REACHING = frozenset(
    {
        *(
            "__builtins__",
            "__globals__",
            "__import__",
            "__loader__",
            "__subclasses__",
            "__code__",
            "__spec__",
        ),
        *("attrgetter", "methodcaller", "breakpoint", "builtins", "chmod", "currentframe", "f_builtins"),
        *("f_globals", "globals", "HfApi", "hardlink_to", "import_module", "importlib", "locals"),
        *("load_library", "os", "rename", "replace_file", "rmdir", "rmtree", "shutil", "subprocess"),
        *("symlink_to", "sys", "touch", "unlink", "upload_file", "upload_folder", "vars", "write_bytes"),
        *("write_text", "get_class_from_dynamic_module", "exec_module", "socket", "ctypes", "pickle"),
    }
)


def is_plain(tree: ast.Module) -> bool:
    """Whether a module imports only what computes, and neither acts nor reaches for what does."""
    if next(source.dangerous(tree), None) is not None:
        return False
    held = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    saving = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("save")
        for inner in ast.walk(node)
    }
    return all(_is_plain(node, held, id(node) in saving) for node in ast.walk(tree))


def _is_plain(node: ast.AST, held: set[int], saves: bool) -> bool:  # noqa: FBT001  (a fact of the node)
    if isinstance(node, ast.Import):
        return all(_root(alias.name) in _IMPORTS and alias.asname != "os" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        known = bool(node.level) or _root(module) in _IMPORTS
        of_os = module != "os" or all(alias.name in _OF_OS for alias in node.names)
        return known and of_os and not any(alias.name in _REACHING for alias in node.names)
    if isinstance(node, ast.Name):
        return node.id not in _REACHING or (node.id == "os" and id(node) in held)
    if isinstance(node, ast.Attribute):
        of_os = isinstance(node.value, ast.Name) and node.value.id == "os"
        return node.attr in _OF_OS if of_os else node.attr not in _REACHING
    if isinstance(node, ast.Call):
        return saves or not _writes(node)
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or node.value not in _REACHING
    return True


def _root(name: str) -> str:
    return name.partition(".")[0]


def _writes(call: ast.Call) -> bool:
    """Whether a call opens a file in a way that is not plainly for reading."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name != "open":
        return False
    method = isinstance(call.func, ast.Attribute)  # of a path: its first argument is the mode
    modes = [
        *(call.args[:1] if method else call.args[1:2]),
        *(each.value for each in call.keywords if each.arg == "mode"),
    ]
    return any(
        not isinstance(mode, ast.Constant) or str(mode.value)[:1] != "r" or "+" in str(mode.value)
        for mode in modes
    )
