"""Tools of agents whose Python stands in JSON: loading the agent runs it.

Law: AutoGen's ``FunctionTool``, whose ``_from_config`` runs ``global_imports`` and ``source_code``.
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.artifacts import source, targets
from scanner.model import Evidence, factors
from scanner.text import visible

MARK = b'"source_code"'
_TOLD = 20  # findings of one file


def told(config: object, where: Location, message_chars: int) -> Iterator[Evidence]:
    """ART-031 for each tool, by what its code does; code that is no Python runs to nothing."""
    count = 0
    for mapping in targets.mappings(config):
        text = mapping.get("source_code")
        if not isinstance(text, str) or not ({"global_imports", "has_cancellation_support"} & set(mapping)):
            continue
        tree = source.parsed(text.encode("utf-8", "surrogatepass"))
        count += 1
        if tree is None or count > _TOLD:
            continue
        name = visible(str(mapping.get("name") or "a tool"), limit=80)
        acts = [(path, does) for path, does, _ in source.acting(tree)]
        says = f"loading this agent runs the Python of {name}, which stands here"
        if acts:
            path, does = acts[0]
            measured = factors(exploitation="poc", evidence="confirmed")
            yield Evidence(
                "ART-031",
                where,
                visible(f"{says} and calls {path}: it {does}", limit=message_chars),
                visible(f"tool:{path}", limit=200),
                measured,
            )
        else:
            measured = factors(ref="no call that acts on the machine", effect="weakens")
            yield Evidence(
                "ART-031",
                where,
                visible(says, limit=message_chars),
                visible(f"tool:{name}", limit=200),
                measured,
            )
