"""Who made a component, as files state it: CycloneDX' ``authors`` and ``manufacturer``, both ways.

Authors are persons who made it, the manufacturer is the organisation that did, and the supplier whoever hands
it on: an account of a hub is told as the publisher, and no file that is read here names a supplier.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sbom.wellformed import well_formed

Part = dict[str, Any]

_ADDRESS: Final = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
_PERSON: Final = re.compile(
    rf"(?P<name>[^<>]{{1,400}}) <(?P<email>{_ADDRESS})>|(?P<alone>{_ADDRESS})", re.ASCII
)


def stated(authors: Sequence[str], organisations: Sequence[str]) -> Part:
    """``authors`` and ``manufacturer``; of several organisations nobody knows which made what."""
    part: Part = {"authors": people(authors)} if authors else {}
    return part | ({"manufacturer": {"name": organisations[0]}} if len(organisations) == 1 else {})


def people(texts: Iterable[str]) -> list[Part]:
    """Each ``name <address>`` as a contact; what has another form is a name."""
    return [_person(text) for text in dict.fromkeys(sorted(map(well_formed, texts))) if text.strip()]


def _person(text: str) -> Part:
    found = _PERSON.fullmatch(text)
    if found is None:
        return {"name": text}
    alone = found["alone"]
    return {"email": alone} if alone else {"name": found["name"], "email": found["email"]}


def names(part: Mapping[str, Any]) -> Iterator[str]:
    """What ``people`` was made of."""
    for row in part.get("authors", ()):
        name, email = row.get("name", ""), row.get("email", "")
        yield f"{name} <{email}>" if name and email else name or email
