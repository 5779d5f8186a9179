"""Strongly connected parts: checked against reachability, which is slow and plain."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.knots import knots

GRAPHS = st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))).map(
    lambda graph: {node: graph.get(node, set()) for node in "abcdef"}
)


def reach(graph: dict[str, set[str]], start: str) -> set[str]:
    seen, todo = {start}, [start]
    while todo:
        for node in graph[todo.pop()] - seen:
            seen.add(node)
            todo.append(node)
    return seen


@settings(max_examples=200, deadline=None)
@given(GRAPHS)
def test_two_nodes_are_in_one_part_where_each_reaches_the_other(graph: dict[str, set[str]]) -> None:
    parts = knots(graph)
    assert sorted(node for part in parts for node in part) == sorted(graph)
    number = {node: at for at, part in enumerate(parts) for node in part}
    for one, targets in graph.items():
        for other in graph:
            mutual = other in reach(graph, one) and one in reach(graph, other)
            assert (number[one] == number[other]) is mutual
        assert all(number[other] <= number[one] for other in targets)


def test_a_long_chain_is_no_harm() -> None:
    graph = {f"{number:06}": {f"{number + 1:06}"} for number in range(50_000)} | {"050000": set()}
    assert len(knots(graph)) == 50_001
