"""Checking: everything that is to be judged, of the files, the code, the manifests and the stock."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scanner.inventory import Stock
from scanner.model import CodeReading, Evidence
from scanner.policy import Policy
from scanner.story.enrich import Known
from scanner.survey import Survey, texts_of

_PAIRED: Final = frozenset({"safetensors", "gguf", "hub-config"})  # what may lie beside what it was made from


def evidence_of(
    root: Path, policy: Policy, seen: Survey, stock: Stock, code: CodeReading, known: Known
) -> tuple[Evidence, ...]:
    """What was met at every place of the tree, in the order of the story."""
    return (
        *_from_artifacts(seen, policy),
        *code.evidence,
        *seen.evidence,
        *_pairs(seen, root, policy),
        *stock.evidence,
        *(row for row in _checks(stock, seen, policy) if (row.rule, row.subject) not in known.settled),
        *known.advisories,
        *known.published,
    )


def _from_artifacts(seen: Survey, policy: Policy) -> Iterator[Evidence]:
    found = [
        each
        for artifact in seen.artifacts
        for inspection in artifact.inspections
        for each in inspection.evidence
    ]
    if not found or not seen.scripts:
        return iter(found)
    from scanner.join import names

    sources = names.Sources(seen.scripts)
    return names.located(found, sources, texts_of(seen, names.wanted(found, sources), policy.limits))


def _pairs(seen: Survey, root: Path, policy: Policy) -> Iterator[Evidence]:
    """Models beside what they are to be the same as, or were made from."""
    if not root.is_dir():
        return
    formats = {artifact.format for artifact in seen.artifacts}
    if not formats.isdisjoint(_PAIRED) or any(path.endswith("tokenizer.json") for path in seen.paths):
        from scanner.pairs import compare

        yield from compare.check(seen, root, policy.limits)


def _checks(stock: Stock, seen: Survey, policy: Policy) -> Iterator[Evidence]:
    if seen.readings:  # a hook over one model file pays for none of them
        from scanner.checks import agents, agreement, cooldown, images, names, origins, pins

        yield from pins.check(stock)
        yield from origins.check(stock)
        yield from agreement.check(stock)
        yield from names.check(stock)
        yield from images.check(stock)
        yield from agents.check(stock)
        yield from cooldown.check(stock, policy.cooldown_days, policy.today)
    if policy.pack.origin_required:
        from scanner.checks import custody

        yield from custody.check(seen.artifacts, policy.pack)
