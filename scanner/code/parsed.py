"""Options of a command line that are the fields of a class: which class a value is a field of.

Laws: transformers' documentation, "HfArgumentParser" (``parse_args_into_dataclasses``, ``parse_yaml_file``);
those of tyro, simple-parsing, draccus and pyrallis.
"""

from scanner.code.values import Const, Items, Made, Name, Value

_PARSERS = (".parse_args_into_dataclasses", ".parse_yaml_file", ".parse_json_file", ".parse_dict")
_ONE = frozenset({"tyro.cli", "simple_parsing.parse", "draccus.parse", "pyrallis.parse", "chz.entrypoint"})


def field_of(value: Made) -> Name | None:
    """The full name of the field of a class that a parser fills; None for any other value."""
    base, attr = value.base, value.dotted.rpartition(".")[2]
    if value.args or not attr or not isinstance(base, Made):
        return None
    if base.dotted in _ONE:
        return _named(base.args[0] if base.args else dict(base.keywords).get("config_class"), 0, attr)
    if base.dotted != "[]" or len(base.args) != 1 or not isinstance(base.base, Made):
        return None
    at = base.args[0].value if isinstance(base.args[0], Const) else None
    parser = base.base.base
    if not isinstance(at, int) or not base.base.dotted.endswith(_PARSERS) or not isinstance(parser, Made):
        return None
    if not parser.dotted.endswith("HfArgumentParser"):
        return None
    return _named(parser.args[0] if parser.args else dict(parser.keywords).get("dataclass_types"), at, attr)


def _named(classes: Value | None, at: int, attr: str) -> Name | None:
    rows = classes.values if isinstance(classes, Items) else (classes,)
    one = rows[at] if -len(rows) <= at < len(rows) else None
    return Name(f"{one.dotted}.{attr}") if isinstance(one, Name) else None
