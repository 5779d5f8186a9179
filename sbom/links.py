"""Pages on a component that a file names, as CycloneDX' ``externalReferences``; plain data, both ways.

A link is told as ``label address``. What the label means decides on the type; the label itself is the
comment, which tells such a reference from one to where the component comes from.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sbom.wellformed import link, well_formed

Part = dict[str, Any]

# Labels as the packaging guide's well-known ones are normalised: letters and digits alone.
_TYPES: Final = {
    **dict.fromkeys(("homepage", "home", "website", "url"), "website"),
    **dict.fromkeys(("source", "sourcecode", "code", "repository", "github", "gitlab", "git", "vcs"), "vcs"),
    **dict.fromkeys(("issues", "issue", "bugs", "bugtracker", "tracker", "issuetracker"), "issue-tracker"),
    **dict.fromkeys(("bugreports", "reportissues"), "issue-tracker"),
    **dict.fromkeys(("changelog", "changes", "history", "releasenotes", "whatsnew"), "release-notes"),
    **dict.fromkeys(("documentation", "docs", "doc"), "documentation"),
    **dict.fromkeys(("chat", "discord", "slack"), "chat"),
    **dict.fromkeys(("support", "help", "discussions"), "support"),
}


def is_one(text: str) -> bool:
    """Whether the text is a label and an address that a document may link to as it is."""
    label, _, url = text.rpartition(" ")
    return bool(label.strip()) and link(url) == url != ""


def references(texts: Iterable[str]) -> list[Part]:
    """A reference for each ``label address``; what is none is left out."""
    rows = []
    for text in sorted({well_formed(one) for one in texts}):
        if is_one(text):
            label, _, url = text.rpartition(" ")
            plain = "".join(char for char in label.casefold() if char.isalnum())
            rows.append({"type": _TYPES.get(plain, "other"), "url": url, "comment": label})
    return rows


def texts(part: Mapping[str, Any]) -> Iterator[str]:
    """What ``references`` was made of."""
    for row in part.get("externalReferences", ()):
        if "comment" in row:
            yield f"{row['comment']} {row['url']}"
