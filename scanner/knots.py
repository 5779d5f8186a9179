"""Circles in a graph: files that include each other, groups that include each other."""

from collections.abc import Mapping


def knots(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The strongly connected parts of a graph, each after everything that it leads to.

    Every target has to be a node. Tarjan's algorithm without recursion: a chain of ten thousand is no harm.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    closed: set[str] = set()
    parts: list[list[str]] = []
    for start in sorted(graph):
        work = [(start, iter(sorted(graph[start])))] if start not in index else []
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                open_.append(node)
            step = next((one for one in rest if one not in closed), None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    parts.append(_cut(open_, node))
                    closed.update(parts[-1])
            elif step in index:
                low[node] = min(low[node], index[step])
            else:
                work.append((step, iter(sorted(graph[step]))))
    return parts


def _cut(stack: list[str], node: str) -> list[str]:
    """Takes everything from ``node`` to the top off the stack."""
    part = [stack.pop()]
    while part[-1] != node:
        part.append(stack.pop())
    return part
