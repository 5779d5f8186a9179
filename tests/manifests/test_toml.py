"""Values with their lines: the locator agrees with tomllib on what there is, and with an editor on where."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import LimitReached, Malformed
from scanner.manifests import toml

TEXT = '''# [project]
[project]
name = "x" # = [
"dependencies" = [ # [
  "a", 'b',
  """
  c""",

  "d", # "e"
]
optional-dependencies.dev = ["q",
 "r"]
x.y = {a = [1, 2.5, 07:32:00.5, 1979-05-27 07:32:00Z], b = { "c.d" = "s" } }
[[tool.uv.index]]
name="a"
[[tool.uv.index]]
name="b"
[tool.uv.index.sub]
k = 1
["tool"."we.ird\\u0041"]
z = true
text = """
[[package]]
name = "no table"
"""
after = 1e-5
[ a . b ]
c = [[1, [2]], [
3]]
'''


def paths(value: object, path: toml.Path = ()) -> list[toml.Path]:
    """Every path of a document."""
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths(item, (*path, index))
    return found


def test_every_value_of_a_document_has_the_line_that_a_person_edits() -> None:
    document, text, _ = toml.load(TEXT.encode())
    lines = toml.lines_of(text)
    where = {
        ("project", "name"): 3,
        ("project", "dependencies"): 4,
        ("project", "dependencies", 0): 5,
        ("project", "dependencies", 2): 6,
        ("project", "dependencies", 3): 9,
        ("project", "optional-dependencies", "dev", 1): 12,
        ("project", "x", "y", "a", 3): 13,
        ("project", "x", "y", "b", "c.d"): 13,
        ("tool", "uv", "index", 1, "name"): 17,
        ("tool", "uv", "index", 1, "sub", "k"): 19,
        ("tool", "we.irdA", "z"): 21,
        ("tool", "we.irdA", "after"): 26,
        ("a", "b", "c", 0, 1, 0): 28,
        ("a", "b", "c", 1, 0): 29,
    }
    assert {path: lines.get(path) for path in where} == where
    assert [path for path in paths(document) if path and toml.line_of(lines, path) is None] == []


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_lines_do_not_depend_on_how_they_end(end: bytes) -> None:
    _, text, trouble = toml.load(TEXT.encode().replace(b"\n", end))
    assert toml.lines_of(text)[("a", "b", "c", 1, 0)] == 29
    assert not trouble


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"\xef\xbb\xbfa = 1", False, id="utf-8 with mark"),
        pytest.param("a = 1 # é".encode("cp1252"), True, id="cp1252"),
        pytest.param("a = 1".encode("utf-16"), True, id="utf-16"),
    ],
)
def test_other_encodings_are_read_and_said(data: bytes, said: bool) -> None:
    document, _, trouble = toml.load(data)
    assert document == {"a": 1}
    assert bool(trouble) is said


@pytest.mark.parametrize(
    ("data", "line"),
    [
        pytest.param(b"a = 1\nb = ", 2, id="no value"),
        pytest.param(b"a = 1\na = 2\n", 2, id="a key twice"),
        pytest.param(b"\n\n[a\n", 3, id="open header"),
        pytest.param(b'a = """\n\n', None, id="open string"),
        pytest.param(b"a = " + b"9" * 5000, None, id="a number that int() refuses"),
    ],
)
def test_what_is_no_toml_is_malformed_at_its_line(data: bytes, line: int | None) -> None:
    with pytest.raises(Malformed) as caught:
        toml.load(data)
    if line:
        assert caught.value.line == line


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"a = " + b"[" * 10_000 + b"]" * 10_000, id="arrays"),
        pytest.param(b"a = " + b"{b = " * 10_000 + b"1" + b"}" * 10_000, id="inline tables"),
        pytest.param(b"a = " + b"[{b = " * 5_000, id="mixed and open"),
        pytest.param(b"a = " + b"[" * 10_000, id="open arrays"),
    ],
)
def test_ten_thousand_brackets_reach_the_nesting_limit(data: bytes) -> None:
    with pytest.raises(LimitReached) as caught:
        toml.load(data)
    assert caught.value.limit == "nesting"


def test_brackets_in_strings_and_comments_nest_nothing() -> None:
    brackets = "[" * 500
    data = f"a = \"{brackets}\" # {brackets}\nb = '{brackets}'\n"
    data += f'c = \'\'\'{brackets}\n\'\'\'\nd = """\\"{brackets}"""\n'
    toml.load(data.encode())


def test_the_deepest_nesting_allowed_is_read_and_located() -> None:
    depth = 190
    _, text, _ = toml.load(b"a = " + b"[" * depth + b"1" + b"]" * depth)
    assert toml.lines_of(text)[("a", *[0] * depth)] == 1


@pytest.mark.parametrize(
    "key",
    [".".join("a" * 10_000), " . ".join(['"a"'] * 10_000), ".".join(["a", "'b'"] * 5_000)],
    ids=range(3),
)
def test_ten_thousand_dotted_keys_reach_the_nesting_limit(key: str) -> None:
    for text in (f"{key} = 1\n", f"[{key}]\n", f"x = {{{key} = 1}}\n"):
        with pytest.raises(LimitReached):
            toml.load(text.encode())


def test_dots_that_are_no_keys_nest_nothing() -> None:
    dots = "...".join("ab" * 300)
    toml.load(f'a = "{dots}" # {dots}\n'.encode())
    document, text, _ = toml.load((".".join("a" * 100) + " = 1\n").encode())
    assert document
    assert len(toml.lines_of(text)) == 100


KEYS = st.text(alphabet="ab-_ .\"'\\é#=[", min_size=1, max_size=4)
STRINGS = st.text(alphabet="ab \"'\\\n#[]{},=é", max_size=6)
VALUES = st.recursive(
    st.one_of(STRINGS, st.integers(-99, 99), st.booleans(), st.floats(0, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_the_locator_finds_every_path_that_tomllib_finds(document: dict[str, object]) -> None:
    import tomli_w

    text = tomli_w.dumps(document, multiline_strings=True).replace("\r\n", "\n")
    parsed = tomllib.loads(text)
    lines = toml.lines_of(text)
    located = {path for path in lines if path}
    for path in paths(parsed):
        if path and not isinstance(path[-1], int):
            assert path in located or any(other[: len(path)] == path for other in located), path
    rows = text.split("\n")
    for path, line in lines.items():
        assert 1 <= line <= len(rows), path
