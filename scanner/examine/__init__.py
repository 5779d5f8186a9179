"""One file examined: who claims it, what each reader found, and every member of it in turn.

The work is told step by step, so that what was found before a reader broke, hung or died is never lost: a
worker writes each step as it is made, and ``Gathered`` turns the steps of one file back into artifacts on the
other side of the pipe.
"""

from scanner.examine.gathered import Gathered
from scanner.examine.outcomes import ended_at_once, outcome_evidence
from scanner.examine.reading import Watch, examine
from scanner.examine.steps import Begun, Ended, Found, Opened, Step, Unclaimed

__all__ = [
    "Begun",
    "Ended",
    "Found",
    "Gathered",
    "Opened",
    "Step",
    "Unclaimed",
    "Watch",
    "ended_at_once",
    "examine",
    "outcome_evidence",
]
