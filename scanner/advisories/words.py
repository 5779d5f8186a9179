"""How a vulnerability is told: its headline, its notes, where to read on, what to change."""

from collections.abc import Sequence
from functools import lru_cache

from scanner import versions
from scanner.advisories import incidents, remedy
from scanner.advisories.asked import Asked
from scanner.advisories.match import Advisory, Group, Match
from scanner.text import visible

NAMED = 3  # advisories that a message about many names
_HOMES = ("PYSEC-", "GHSA-", "MAL-", "OSV-", "RUSTSEC-", "GO-")


def headline(group: Group) -> str:
    """One sentence on what is wrong, ended."""
    return _headline(group.advisories)


@lru_cache(maxsize=4096)
def _headline(advisories: tuple[Advisory, ...]) -> str:
    texts = sorted(
        (one.record.headline for one in advisories if one.record.headline),
        key=lambda text: (len(text), text),
    )
    # The shortest is most often the one that somebody wrote as a summary.
    text = visible(texts[0], limit=220) if texts else "no description."
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def notes(said: Sequence[str]) -> str:
    """What limits the statement before it, in parentheses."""
    kept = [note for note in said if note]
    return f" ({'; '.join(kept)})" if kept else ""


def doubts(row: Asked, group: Group) -> list[str]:
    """What speaks against the match, or makes it less than sure."""
    said = [row.note]
    public, _, local = row.component.version.partition("+")
    if group.match is Match.UNDECIDED:
        said.append("the advisory names commits, or versions that cannot be compared: it may not apply")
    elif group.match is Match.PUBLIC:
        known, build = visible(public, limit=80), visible("+" + local, limit=40)
        said.append(f"known of {known}; the {build} build may be patched")
    if group.dissent:
        said.append(f"{', '.join(group.dissent[:NAMED])} does not name this version")
    return said


def because(row: Asked, group: Group) -> str:
    """What to look at to check the match."""
    listed = " and ".join(one.record.id for one in group.advisories[:NAMED])
    return f"{visible(row.component.version, limit=80)} held against {listed}" + notes([row.note])


def fixed(version: str) -> str:
    """Since which version it is fixed."""
    return f"Fixed in {visible(version, limit=60)}." if version else "No fixed version is known."


def edit(row: Asked, group: Group, fix: remedy.Fix, nearest: str, *, malicious: bool) -> str:
    """The change that clears the package; for malware also what else to do."""
    component = row.component
    name = versions.name(row.ecosystem, component.name)
    if fix.version:
        text = remedy.pin(row.declarations, name, component.version, fix.version)
        text += "" if fix.same_major else " (no clear release on the present major version)"
    elif malicious and fix.below:
        text = remedy.pin(row.declarations, name, component.version, fix.below)
        text += " (the last good release that is known), or remove it"
    elif malicious:
        bad = sorted(
            {text for one in group.advisories for entry in one.record.affected for text in entry.versions}
        )
        other = f": any release but {', '.join(visible(text, limit=40) for text in bad[:8])}" if bad else ""
        text = f"Take another release of {visible(component.name, limit=120)}{other}, or none"
    else:
        text = "No known release above is clear of everything known against this package"
        text += f"; {visible(fix.below, limit=60)} below it is" if fix.below else ""
        text += f"; {visible(nearest, limit=60)} fixes this one" if nearest else ""
    return text + rotate(group)


def rotate(group: Group) -> str:
    """What a compromise asks for beyond the update; empty where it is no known incident."""
    known = [one for one in incidents.load().incidents if one.id in group.names]
    if not known:
        return ""
    files = f" Look for {', '.join(known[0].files)}." if known[0].files else ""
    return f". Rotate {'; '.join(known[0].rotate)}.{files}"


def references(group: Group) -> tuple[str, ...]:
    """Where to read on: the records' own pages, then their first links."""
    return _references(group.advisories)


@lru_cache(maxsize=4096)
def _references(advisories: tuple[Advisory, ...]) -> tuple[str, ...]:
    records = [one.record for one in advisories]
    pages = [f"https://osv.dev/vulnerability/{one.id}" for one in records if one.id.startswith(_HOMES)]
    links = [visible(url, limit=300) for one in records for _, url in one.references]
    return tuple(dict.fromkeys((*pages, *links)))[:6]
