"""Calls that declare a default or read a configuration: what their value is when nobody gives another."""

import posixpath

from scanner.code.scope import Known
from scanner.code.values import Const, Name, Unknown, Value, as_default, made, text_of

_DEFAULTED = frozenset({"os.environ.get", "os.getenv"})
# Fields and parameters whose default is an argument of a call.
_FIELDS = frozenset({"dataclasses.field", "attr.ib", "attrs.field", "pydantic.Field"})
_COMPOSES = frozenset({"hydra.compose", "hydra.experimental.compose"})
_TYPER = frozenset({"typer.Option", "typer.Argument"})
DECLARES = _DEFAULTED | _FIELDS | _COMPOSES | _TYPER


def declared(
    dotted: str, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], known: Known
) -> Value | None:
    """The default that a call declares, or the configuration that it reads; None for other calls."""
    if dotted in _COMPOSES:
        return _composed(args, keywords, known)
    if dotted in _DEFAULTED:
        return _defaulted(args, keywords, f"it is the environment's {text_of(args[0]) if args else ''}")
    if dotted in _FIELDS:
        return _by_default(keywords, "default", args[0] if args and dotted == "pydantic.Field" else None)
    if dotted in _TYPER:
        return _by_default(keywords, "default", args[0] if args else None)
    return None


def _composed(args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], known: Known) -> Value:
    """The configuration that Hydra's compose puts together: its main file, in the folder of initialize."""
    name = text_of(dict(keywords).get("config_name", args[0] if args else None))
    if name is None:
        return Unknown("the configuration's name is not known")
    file = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
    path = posixpath.normpath(posixpath.join(known.composed, file))
    return made("omegaconf.OmegaConf.load", (Const(path, rooted=True),))


def _defaulted(args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], why: str) -> Value:
    given = args[1] if len(args) > 1 else dict(keywords).get("default")
    return as_default(given) if given is not None else Unknown(why)


def _by_default(keywords: tuple[tuple[str, Value], ...], key: str, first: Value | None) -> Value:
    rows = dict(keywords)
    value = rows.get(key, first)
    factory = rows.get("default_factory")
    if value is None and isinstance(factory, Name) and not factory.dotted.startswith("builtins."):
        return made(factory.dotted)
    return as_default(value) if value is not None else Unknown("its default is computed")
