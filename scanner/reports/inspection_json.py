"""One artifact for programs: the report on it, with what lies in it and what its readers can show."""

import json
from collections.abc import Sequence
from typing import Final

from sbom import lines
from sbom.model import Location
from scanner.codec import Plain, encode_location
from scanner.model import Report, Table
from scanner.reports import json_report

SCHEMA: Final = "urn:weighbridge:inspection:1"


def render(
    report: Report,
    members: Sequence[tuple[Location, int]],
    tables: Sequence[Table],
    *,
    left: int = 0,
    broken: str = "",
) -> bytes:
    """A JSON object, ASCII, ending in a newline.

    ``report`` is the report of a scan (urn:weighbridge:report:1); ``members`` places and unpacked sizes in
    bytes; ``tables`` have texts only, each row as long as its columns.
    """
    document: dict[str, Plain | list[dict[str, Plain]]] = {
        "schema": SCHEMA,
        "report": json.loads(json_report.render(report)),
        "members": [{"where": encode_location(where), "size": size} for where, size in members],
        "members_left": left,
        "tables": [
            {
                "title": table.title,
                "where": encode_location(table.where),
                "columns": list(table.columns),
                "rows": [list(row) for row in table.rows],
                "left": table.left,
            }
            for table in tables
        ],
        "broken": broken,
    }
    return lines.write(document)
