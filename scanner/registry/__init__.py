"""The tables: what reads what. The only copy of every format's suffixes and magic.

Adding a format, a manifest or a report is one file and one row in the table of its family here. A row whose
``inspect`` is None is recognised only: the file is named, hashed, and reported as not read in depth.
"""

from scanner.registry.formats import (
    BY_NAME,
    FORMATS,
    HEAD,
    TAIL,
    broken_promise,
    claims,
    disguised,
    with_content,
    with_name,
)
from scanner.registry.manifests import MANIFESTS, REQUIREMENTS, included_row, manifest_of, manifests_of
from scanner.registry.proofs import PROOFS, vouching
from scanner.registry.reports import REPORTS, Renderer, RenderOptions
from scanner.registry.rows import Claim, Format, Manifest, Risk, Vouching

__all__ = [
    "BY_NAME",
    "FORMATS",
    "HEAD",
    "MANIFESTS",
    "PROOFS",
    "REPORTS",
    "REQUIREMENTS",
    "TAIL",
    "Claim",
    "Format",
    "Manifest",
    "RenderOptions",
    "Renderer",
    "Risk",
    "Vouching",
    "broken_promise",
    "claims",
    "disguised",
    "included_row",
    "manifest_of",
    "manifests_of",
    "vouching",
    "with_content",
    "with_name",
]
