"""Files against a lock: changed, missing, new and moved, each under its rule."""

from collections.abc import Mapping

import pytest

from sbom.model import Component, Digest, Kind, Location
from scanner.integrity.held import Found, Held, compare, compare_references, references
from scanner.integrity.lock import Entry, Lock, Reference
from scanner.model import Artifact, Evidence, Measurement, Outcome
from scanner.rubric.judge import judge_all

A, B, C = "a" * 64, "b" * 64, "c" * 64
COMMIT, OTHER = "1" * 40, "2" * 40
HUB = "https://huggingface.co/org/model"


def absent(path: str) -> Found:
    return Found(path, outcome=Outcome.ABSENT, detail="no such file")


def levels(held: Held) -> list[tuple[str, str, str]]:
    return [(each.evidence.rule, each.evidence.where.path, each.level) for each in judge_all(held.evidence)]


@pytest.mark.parametrize(
    ("entry", "rule", "level"),
    [
        pytest.param(Entry(A, 1), "HSH-010", "high", id="one's own model"),
        pytest.param(Entry(A, 1, "file"), "HSH-010", "high", id="a file of one's own"),
        pytest.param(Entry(A, 1, "data"), "DAT-003", "high", id="data"),
        pytest.param(Entry(A, 1, source=HUB, revision=COMMIT), "HSH-001", "critical", id="somebody else's"),
        pytest.param(Entry(A, 1, source=HUB, revision="main"), "HSH-009", "medium", id="of a branch"),
        pytest.param(Entry(A, 1, source=HUB), "HSH-009", "medium", id="without a revision"),
    ],
)
def test_changed_bytes_have_the_rule_of_what_was_agreed(entry: Entry, rule: str, level: str) -> None:
    held = compare(Lock({"m.pt": entry}), [Found("m.pt", B, 1)])
    assert levels(held) == [(rule, "m.pt", level)]
    assert (held.changed, held.same, held.not_checked) == (1, 0, [])


def test_what_the_tree_says_of_a_changed_file_does_not_make_it_milder() -> None:
    found = Found("m.pt", B, 1, "file", source=HUB, revision="main")
    held = compare(Lock({"m.pt": Entry(A, 1, source=HUB, revision=COMMIT)}), [found])
    assert levels(held) == [("HSH-001", "m.pt", "critical")]


def test_equal_bytes_are_pinned_and_no_finding() -> None:
    held = compare(Lock({"m.pt": Entry(A, 1)}), [Found("m.pt", A, 1)])
    assert (held.evidence, held.not_checked, held.same) == ([], [], 1)
    assert [(row.subject, row.factor, row.value, row.covered) for row in held.measurements] == [
        (A, "origin", "pinned", True)
    ]


def test_a_digest_that_somebody_wrote_down_makes_no_enemy_a_friend() -> None:
    known = Artifact(Location("m.pt"), "pickle", 1, (Digest("sha256", A),))
    pinned = compare(Lock({"m.pt": Entry(A, 1)}), [Found("m.pt", A, 1)]).measurements
    evidence = (Evidence("HSH-004", Location("m.pt"), "says"), Evidence("ART-002", Location("m.pt"), "calls"))

    def judged(*measurements: Measurement) -> dict[str, str]:
        found = judge_all(evidence, artifacts=[known], measurements=measurements)
        return {each.evidence.rule: each.level for each in found}

    assert judged() == {"HSH-004": "high", "ART-002": "high"}
    assert judged(*pinned) == {"HSH-004": "high", "ART-002": "medium"}


def test_a_missing_file_was_not_checked() -> None:
    held = compare(Lock({"m.pt": Entry(A, 1)}), [absent("m.pt")])
    assert held.evidence == []
    assert [(row.where.path, row.outcome) for row in held.not_checked] == [("m.pt", "missing")]


def test_a_new_file_is_told_and_was_not_checked() -> None:
    held = compare(Lock({}), [Found("m.pt", A, 1)])
    assert levels(held) == [("HSH-009", "m.pt", "medium")]
    assert [(row.where.path, row.outcome) for row in held.not_checked] == [("m.pt", "unlocked")]
    assert held.measurements == []


def test_a_moved_file_is_vouched_for_and_told_as_info() -> None:
    held = compare(Lock({"old/m.pt": Entry(A, 1)}), [absent("old/m.pt"), Found("new/m.pt", A, 1)])
    assert levels(held) == [("HSH-009", "new/m.pt", "info")]
    assert "moved here from old/m.pt" in held.evidence[0].message
    assert (held.moved, held.missing, held.not_checked) == (1, 0, [])
    assert len(held.measurements) == 1


def test_a_copy_is_told_as_one() -> None:
    held = compare(Lock({"m.pt": Entry(A, 1)}), [Found("m.pt", A, 1), Found("n.pt", A, 1)])
    assert levels(held) == [("HSH-009", "n.pt", "info")]
    assert "copy of m.pt" in held.evidence[0].message


def test_two_files_that_change_places_have_both_changed() -> None:
    locked = Lock({"good.pt": Entry(A, 1), "bad.pt": Entry(B, 1)})
    held = compare(locked, [Found("good.pt", B, 1), Found("bad.pt", A, 1)])
    assert [row[:2] for row in levels(held)] == [("HSH-010", "bad.pt"), ("HSH-010", "good.pt")]
    assert "those of bad.pt" in next(row.message for row in held.evidence if row.where.path == "good.pt")
    assert held.measurements == []


@pytest.mark.parametrize(
    "here",
    [
        pytest.param("Mode\u0301le.pt", id="a letter and its accent apart"),
        pytest.param("MOD\u00c8LE.PT".replace("\u00c8", "\u00c9"), id="capitals"),
    ],
)
def test_a_name_that_some_file_systems_take_for_the_locked_one_does_not_hide_a_change(here: str) -> None:
    locked = Lock({"Mod\u00e9le.pt": Entry(A, 1)})
    assert levels(compare(locked, [absent("Mod\u00e9le.pt"), Found(here, B, 1)])) == [
        ("HSH-010", here, "high")
    ]
    same = compare(locked, [absent("Mod\u00e9le.pt"), Found(here, A, 1)])
    assert (same.evidence, same.not_checked, same.same) == ([], [], 1)


def test_a_pointer_to_the_locked_bytes_is_absent_and_one_to_others_has_changed() -> None:
    locked = Lock({"m.pt": Entry(A, 1)})
    same = compare(locked, [Found("m.pt", A, 1, pointer=True)])
    assert (same.evidence, [row.outcome for row in same.not_checked]) == ([], ["absent"])
    assert same.measurements == []  # nobody has seen the bytes
    other = compare(locked, [Found("m.pt", B, 1, pointer=True)])
    assert levels(other) == [("HSH-010", "m.pt", "high")]


def test_what_cannot_be_read_is_neither_the_same_nor_changed() -> None:
    found = Found("m.pt", outcome=Outcome.UNREADABLE, detail="Permission denied")
    held = compare(Lock({"m.pt": Entry(A, 1)}), [found])
    assert (held.evidence, held.same, held.changed) == ([], 0, 0)
    assert [(row.outcome, row.detail) for row in held.not_checked] == [("unreadable", "Permission denied")]


def test_a_file_that_only_the_lock_asked_for_is_never_new() -> None:
    assert compare(Lock({}), [Found("notes.txt", A, 1, wanted=False)]).evidence == []


def test_the_order_of_the_files_changes_nothing() -> None:
    files = [Found("a", A, 1), Found("b", B, 1), absent("c"), Found("d", C, 1)]
    locked = Lock({"a": Entry(A, 1), "b": Entry(A, 1), "c": Entry(C, 1)})
    first, second = compare(locked, files), compare(locked, files[::-1])
    assert (first.evidence, first.not_checked) == (second.evidence, second.not_checked)


def test_a_hostile_name_is_escaped_in_every_message() -> None:
    name = "a\x1b[2Jb.pt"
    for locked in (Lock({}), Lock({name: Entry(B, 1)}), Lock({"old": Entry(A, 1)})):
        for each in compare(locked, [Found(name, A, 1), absent("old")]).evidence:
            assert "\x1b" not in each.message + each.remedy


# --- references -------------------------------------------------------------------------------------------


def hub(revision: str = "", asked: str = "", name: str = "org/model") -> Component:
    url = f"pkg:huggingface/{name}" + (f"@{revision}" if revision else "")
    return Component(
        url, name, Kind.MODEL, revision, asked, url, ecosystem="huggingface", seen=(Location("config.json"),)
    )


def against(
    lock: Lock,
    *components: Component,
    whole: bool = True,
    commits: Mapping[str, Mapping[str, str]] | None = None,
) -> Held:
    held = Held()
    compare_references(lock, references(components, commits), held, whole=whole)
    return held


def test_a_reference_at_the_locked_commit_is_silent() -> None:
    held = against(Lock({}, {f"pkg:huggingface/org/model@{COMMIT}": Reference("model", COMMIT)}), hub(COMMIT))
    assert (held.evidence, held.not_checked, held.notices) == ([], [], [])


def test_a_reference_at_another_commit_is_told_with_both() -> None:
    held = against(Lock({}, {f"pkg:huggingface/org/model@{COMMIT}": Reference("model", COMMIT)}), hub(OTHER))
    assert levels(held) == [("HSH-009", "config.json", "medium")]
    assert COMMIT in held.evidence[0].message
    assert OTHER in held.evidence[0].message
    assert [row.outcome for row in held.not_checked] == ["unlocked"]


def test_a_reference_that_nobody_locked_is_told() -> None:
    held = against(Lock({}), hub(asked="main"))
    assert "does not have it" in held.evidence[0].message
    assert "main" in held.evidence[0].message


def test_a_reference_without_a_revision_is_said_to_be_held_to_nothing() -> None:
    held = against(Lock({}, {"pkg:huggingface/org/model": Reference("model", "", "main")}), hub(asked="main"))
    assert held.evidence == []
    assert "without a revision" in held.notices[0]


def test_a_reference_that_is_gone_is_a_note_and_only_for_a_whole_tree() -> None:
    lock = Lock({}, {f"pkg:huggingface/org/model@{COMMIT}": Reference("model", COMMIT)})
    assert "nothing asks for" in against(lock).notices[0]
    assert against(lock, whole=False).notices == []


def test_a_branch_that_the_cache_here_has_at_the_locked_commit_is_silent() -> None:
    lock = Lock({}, {"pkg:huggingface/org/model": Reference("model", COMMIT, "main")})
    cached = {"pkg:huggingface/org/model": {"main": COMMIT}}
    assert against(lock, hub(), commits=cached).evidence == []
    assert against(lock, hub(), commits=cached).notices == []
    assert against(lock, hub()).evidence == []  # no cache here: nothing can be said


def test_a_branch_that_moved_on_in_the_cache_is_told_with_both_commits() -> None:
    lock = Lock({}, {"pkg:huggingface/org/model": Reference("model", COMMIT, "main")})
    held = against(lock, hub(), commits={"pkg:huggingface/org/model": {"main": OTHER}})
    assert levels(held) == [("HSH-009", "config.json", "medium")]
    assert COMMIT in held.evidence[0].message
    assert OTHER in held.evidence[0].message
