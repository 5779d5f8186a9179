"""Model, data set and Space cards: the YAML before a README's text.

Law: Hugging Face's documentation, "Model Cards", "Dataset Cards", "Spaces Configuration Reference", and
huggingface_hub's ``ModelCardData`` (``model-index``). What a card says is its author's word.
"""

import re
from collections.abc import Iterator
from itertools import islice

from sbom import energy
from sbom.model import Fact, FactName, Kind, Location
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import hub
from scanner.manifests.mlflow import short
from scanner.model import Declaration, Described, Evidence, Reading
from scanner.readers import decoding, yaml
from scanner.text import visible


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LIMITS = Limits()
_FRONT = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
# Which of these stand in it tells whose front matter it is: other generators of pages write some there too.
MARKS = _words(
    "base_model base_model_relation datasets library_name pipeline_tag model-index model_name models "
    "sdk license license_name license_link dataset_info task_categories task_ids size_categories "
    "source_datasets annotations_creators language_creators multilinguality pretty_name inference "
    "widget preload_from_hub"
)
_DATASET = _words(
    "dataset_info task_categories task_ids size_categories source_datasets annotations_creators "
    "language_creators multilinguality configs train-eval-index"
)
_KEYS = (  # of a card, and what each is a fact of
    ("library_name", FactName.FRAMEWORK),
    ("pipeline_tag", FactName.TASK),
    ("task_categories", FactName.TASK),
    ("language", FactName.LANGUAGE),
    ("tags", FactName.TAG),
    ("base_model_relation", FactName.BASE_RELATION),
    ("license_link", FactName.LICENCE_LINK),
)
_HEADING = re.compile(r"^#{1,6}[ \t]+([^\n]{1,200})$", re.MULTILINE)
_REMARK = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SECTIONS = {  # Hugging Face's template of a model card, and the words of those who came before it
    "uses": FactName.USE,
    "direct use": FactName.USE,
    "downstream use": FactName.USE,
    "downstream use [optional]": FactName.USE,
    "intended use": FactName.USE,
    "intended uses": FactName.USE,
    "limitations": FactName.LIMITATION,
    "known limitations": FactName.LIMITATION,
    "out-of-scope use": FactName.LIMITATION,
    "bias, risks, and limitations": FactName.LIMITATION,
    "limitations and bias": FactName.LIMITATION,
    "ethical considerations": FactName.ETHICS,
}
_MAKER = re.compile(  # a line of the template
    r"^[ \t]*+[-*+]?[ \t]*+\*\*[ \t]*+developed by(?: \[optional\])?[ \t]*(?::[ \t]*\*\*|\*\*[ \t]*:)"
    r"[ \t]*+([^\n]{1,300})$",
    re.MULTILINE | re.IGNORECASE,
)
_LINK = re.compile(r"\[([^\[\]]{1,200})\]\([^()\s]{0,500}\)")
_MAX_SECTION = 20_000  # characters of one section that are looked at
_MAX_ITEMS = 1_000  # of one list of a card
_MAX_FACTS = 256  # they are told of every file of weights in the folder
_SDKS = frozenset({"gradio", "streamlit"})


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The models and data sets that a card names, and what it says of what lies beside it.

    Nothing where there is no front matter with a card's keys. COV-005 for a name that the hub would refuse.
    Raises Malformed for front matter that is a card's and no YAML.
    """
    text, _ = decoding.decode(data[: _LIMITS.project_bytes])
    found = _FRONT.match(text)
    if found is None:
        return
    front = text[: found.end(1)].lstrip("\ufeff")
    if not any(f"{mark}:" in front or f'{mark}"' in front for mark in MARKS):
        return
    documents, _ = yaml.load(front.encode("utf-8", "surrogatepass"))
    root = documents[0] if documents else None
    keys = {key for key, _ in root.entries()} if root is not None and root.kind == "map" else set()
    if root is None or not keys & MARKS:
        return
    if "sdk" in keys:
        yield from _space(root, where)
    yield from _references(root, where)
    is_dataset = bool(keys & _DATASET) and not keys & {"base_model", "pipeline_tag", "model-index"}
    said = _sections(text[found.end() :]) if not is_dataset else ()
    facts = tuple(dict.fromkeys((*islice(_facts(root), _MAX_FACTS), *said)))
    if facts and "sdk" not in keys:
        kind = Kind.DATA if is_dataset else Kind.MODEL
        yield Described(where, facts, kind, _name(root, where, is_dataset=is_dataset))


def _sections(text: str) -> Iterator[Fact]:
    """What stands under headings whose meaning the card's template gives, where anybody filled it in."""
    for found in islice(_MAKER.finditer(text), 1):
        words = _LINK.sub(r"\1", found[1]).strip(" *_.\t")
        if words and "more information needed" not in words.casefold():
            yield Fact(FactName.AUTHOR, short(words))
    headings = list(islice(_HEADING.finditer(text), _MAX_ITEMS))
    for at, heading in enumerate(headings):
        name = _SECTIONS.get(" ".join(heading[1].strip(" *:#").casefold().split()))
        if name is None:
            continue
        end = headings[at + 1].start() if at + 1 < len(headings) else len(text)
        body = _REMARK.sub(" ", text[heading.end() : min(end, heading.end() + _MAX_SECTION)])
        words = " ".join(body.split())
        if words and "more information needed" not in words.casefold():
            yield Fact(name, short(words))


def _list(root: yaml.Node, key: str) -> list[yaml.Node]:
    node = root.get(key)
    found = node.scalars() if node is not None else []
    if len(found) > _MAX_ITEMS:
        raise LimitReached("card_items", allowed=_MAX_ITEMS, found=len(found))
    return [one for one in found if one.text not in {"null", "~", "[]"}]


def _references(root: yaml.Node, where: Location) -> Iterator[Reading]:
    revision = root.get("base_model_revision")
    at = revision.text if revision is not None and revision.kind == "scalar" else ""
    for key, space in (
        *(("base_model", ""), ("models", ""), ("datasets", "datasets/"), ("source_datasets", "datasets/")),
    ):
        for node in _list(root, key):
            text = node.text.strip()
            if key == "source_datasets":  # extended|name, or the word original
                if not text.startswith("extended|"):
                    continue
                text = text.removeprefix("extended|")
            found = hub.reference(
                text, where.at(line=node.line), at if key == "base_model" else "", space=space
            )
            if found is not None:
                yield found
            elif key == "base_model" and not hub.is_path(text):
                yield _bad(node, where, key)


def _space(root: yaml.Node, where: Location) -> Iterator[Reading]:
    """What runs a Space: the release of its SDK, and what is fetched before it starts."""
    sdk, version = root.get("sdk"), root.get("sdk_version")
    if sdk is not None and sdk.text in _SDKS and version is not None and version.kind == "scalar":
        exact = version.text.strip()
        yield Declaration(
            sdk.text, where.at(line=version.line), version=exact, specifier=f"=={exact}" if exact else ""
        )
    for node in _list(root, "preload_from_hub"):
        words = node.text.split()
        revision = words[2] if len(words) > 2 else ""
        found = hub.reference(words[0], where.at(line=node.line), revision) if words else None
        if found is not None:
            yield found


def _facts(root: yaml.Node) -> Iterator[Fact]:
    for key, name in _KEYS:
        for node in _list(root, key):
            yield Fact(name, short(node.text))
    for node in _list(root, "base_model"):
        yield Fact(FactName.BASE_MODEL, short(node.text))
    for node in _list(root, "datasets"):
        yield Fact(FactName.DATASET, short(node.text))
    named = _list(root, "license_name")
    for node in _list(root, "license"):
        if node.text != "other" or not named:
            yield Fact(FactName.LICENCE, short(node.text))
    for node in named:
        yield Fact(FactName.LICENCE, short(node.text))
    yield from _emissions(root.get("co2_eq_emissions"))
    yield from _energy(root.get("co2_eq_emissions"))
    index = root.get("model-index")
    for model in index.items[:_MAX_ITEMS] if index is not None else ():
        results = model.get("results")
        for result in results.items[:_MAX_ITEMS] if results is not None else ():
            yield from _metrics(result)


def _emissions(node: yaml.Node | None) -> Iterator[Fact]:
    """What training emitted: grams of CO2, alone or with how, where and on what (``co2_eq_emissions``)."""
    if node is None:
        return
    plain = node if node.kind == "scalar" else node.get("emissions")
    if plain is None or plain.kind != "scalar" or not plain.text.strip():
        return
    about = [
        f"{key.replace('_', ' ')}: {short(value.text)}"
        for key, value in node.entries()
        if key != "emissions" and value.kind == "scalar" and value.text.strip()
    ]
    text = f"{short(plain.text)} g CO2eq"
    yield Fact(FactName.EMISSIONS, short(f"{text} ({'; '.join(about[:8])})" if about else text))


def _energy(node: yaml.Node | None) -> Iterator[Fact]:
    """What training took in kWh, as codecarbon writes it beside the emissions (``energy_consumed``)."""
    taken = node.get("energy_consumed") if node is not None else None
    kind = node.get("training_type") if node is not None else None
    if taken is not None and taken.kind == "scalar":
        activity = kind.text if kind is not None and kind.kind == "scalar" else ""
        if said := energy.stated(taken.text, activity):
            yield Fact(FactName.ENERGY, said)


def _metrics(result: yaml.Node) -> Iterator[Fact]:
    """``type: value (data set, configuration, split)`` for each metric of a result."""
    dataset = result.get("dataset")
    parts = [dataset.get(key) for key in ("name", "config", "split")] if dataset is not None else []
    on = ", ".join(
        short(part.text) for part in parts if part is not None and part.kind == "scalar" and part.text
    )
    metrics = result.get("metrics")
    for metric in metrics.items[:_MAX_ITEMS] if metrics is not None else ():
        kind, value = metric.get("type") or metric.get("name"), metric.get("value")
        if kind is None or value is None or kind.kind != "scalar" or value.kind != "scalar" or not value.text:
            continue
        text = f"{short(kind.text).replace(': ', ' ')}: {short(value.text)}"
        yield Fact(FactName.METRIC, f"{text} ({on})" if on else text)


def _name(root: yaml.Node, where: Location, *, is_dataset: bool) -> str:
    """What to call what lies beside: by the card's word, else by its folder; a bare licence names nothing."""
    for key in ("pretty_name", "model_name"):
        node = root.get(key)
        if node is not None and node.kind == "scalar" and node.text:
            return visible(node.text, limit=200)
    index = root.get("model-index")
    for model in index.items[:1] if index is not None else ():
        node = model.get("name")
        if node is not None and node.text:
            return visible(node.text, limit=200)
    told = is_dataset or root.get("base_model") is not None or root.get("pipeline_tag") is not None
    folder = where.path.rpartition("/")[0].rpartition("/")[2]
    return visible(folder, limit=200) if told else ""


def _bad(node: yaml.Node, where: Location, key: str) -> Evidence:
    shown = visible(node.text, limit=160)
    return Evidence(
        "COV-005",
        where.at(line=node.line),
        f"{key} names {shown}, which no repository of the hub can be called",
        subject=f"{where.path}: {shown}",
        remedy="Write owner/name as the hub shows it.",
    )
