"""What lies in a tree, for those that compare two files of it; what could not be compared is told here."""

import json
import posixpath
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from sbom.model import FactName, Location
from scanner.errors import LimitReached, Malformed
from scanner.files.open import FileSource, open_source
from scanner.limits import Limits
from scanner.model import Described, NotChecked, Outcome
from scanner.survey import Survey, under

_INSPECTOR = "pair"


class Shelf:
    """The files of a tree by their POSIX paths from the root, and the formats of those that were examined."""

    def __init__(self, seen: Survey, root: Path, limits: Limits) -> None:
        self.root = root
        self.limits = limits
        self.paths = seen.paths
        self.formats: dict[str, str] = {}
        self._seen = seen
        self._folders: dict[str, list[str]] | None = None
        absent = {
            one.where.path
            for one in seen.artifacts
            if any(row.outcome in (Outcome.ABSENT, Outcome.UNREADABLE) for row in one.inspections)
        }
        for one in seen.artifacts:
            if not one.where.member and one.where.path not in absent:
                self.formats[one.where.path] = one.format
        for link, (target, _) in seen.links.items():
            if target in self.formats:  # a hub's cache calls files by their digest
                self.formats.setdefault(link, self.formats[target])

    def names(self, folder: str) -> list[str]:
        """The names of the files directly in a folder (empty: the root), sorted."""
        return self._by_folder().get(folder, [])

    def folders(self) -> list[str]:
        """All folders that hold a file, sorted."""
        return sorted(self._by_folder())

    def _by_folder(self) -> Mapping[str, list[str]]:
        if self._folders is None:
            self._folders = {}
            for path in sorted(self.paths):
                head, _, tail = path.rpartition("/")
                self._folders.setdefault(head, []).append(tail)
        return self._folders

    def holds(self, folder: str, name: str) -> bool:
        """Whether a file of that name lies in the folder."""
        return posixpath.join(folder, name) in self.paths

    def open(self, path: str, stack: ExitStack) -> FileSource:
        """The opened file, closed with ``stack``. Raises Unreadable."""
        return stack.enter_context(open_source(under(self.root, path)))

    def text(self, path: str) -> str:
        """The text of a file. Raises Unreadable, LimitReached past ``text_bytes``."""
        with ExitStack() as stack:
            source = self.open(path, stack)
            if source.size > self.limits.text_bytes:
                raise LimitReached("text_bytes", allowed=self.limits.text_bytes, found=source.size)
            return source.read_at(0, source.size).decode("utf-8-sig", "replace")

    def json(self, path: str) -> Mapping[str, object]:
        """The object that a JSON file holds. Raises Malformed where it is none."""
        try:
            found = json.loads(self.text(path))
        except (ValueError, RecursionError) as error:
            raise Malformed("json", found=type(error).__name__, wanted="JSON") from None
        if not isinstance(found, dict):
            raise Malformed("json", found=type(found).__name__, wanted="an object")
        return found

    def base_names(self, folder: str) -> list[str]:
        """What the card of the model in a folder names as its base."""
        card = self._seen.readings.get(posixpath.join(folder, "README.md"), ())
        facts = [fact for row in card if isinstance(row, Described) for fact in row.facts]
        return [str(fact.value) for fact in facts if fact.name is FactName.BASE_MODEL]

    def not_followed(self, path: str, why: str) -> None:
        """Tells the coverage that a pair was recognised and could not be compared."""
        self._seen.not_checked.append(NotChecked(Location(path), _INSPECTOR, Outcome.RECOGNISED, why))

    def tell(self, said: str) -> None:
        """Tells the reader of the report what was left out on purpose."""
        self._seen.notices.append(said)
