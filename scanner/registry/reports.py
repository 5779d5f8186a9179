"""What a report can be written as."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sbom.record import record
from scanner.model import Report

if TYPE_CHECKING:
    from datetime import datetime


@record
class RenderOptions:
    """How a report for people is to look. ``width`` in columns.

    For documents that carry them: ``now``, the clock (None: the present), and ``products``, the names that
    the scanned tree goes by.
    """

    colour: bool = False
    width: int = 80
    verbose: int = 0
    now: "datetime | None" = None
    products: tuple[str, ...] = ()


Renderer = Callable[[Report, RenderOptions], bytes]

# The program only writes down what others decided; each statement names who.
_VEX_AUTHOR = "weighbridge, for those whom the statements name"


def _text_report(report: Report, options: RenderOptions) -> bytes:
    from scanner.reports import text

    rendered = text.render(report, colour=options.colour, width=options.width, verbose=options.verbose)
    return rendered.encode("utf-8", "backslashreplace")


def _json_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import json_report

    return json_report.render(report)


def _sarif_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import sarif

    return sarif.render(report)


def _cyclonedx_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import cyclonedx

    return cyclonedx.render(report)


def _openvex_report(report: Report, options: RenderOptions) -> bytes:
    from datetime import UTC, datetime

    from sbom.purl import generic
    from scanner.reports import openvex

    products = [each if each.startswith("pkg:") else generic(each) for each in options.products]
    now = options.now or datetime.now(UTC)
    return openvex.render(report, author=_VEX_AUTHOR, now=now, products=products)


REPORTS: dict[str, Renderer] = {
    "text": _text_report,
    "json": _json_report,
    "sarif": _sarif_report,
    "cyclonedx": _cyclonedx_report,
    "openvex": _openvex_report,
}
