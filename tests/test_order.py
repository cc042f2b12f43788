from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mityflow.order import stable_order


def test_an_order_that_is_right_is_kept() -> None:
    assert stable_order([[], [0], [1]]).order == [0, 1, 2]


def test_a_late_predecessor_is_pulled_to_just_before_who_needs_it() -> None:
    ordering = stable_order([[], [3], [], []])
    assert ordering.order == [0, 3, 1, 2]
    assert ordering.pulled == {3: 1}


def test_what_a_pulled_one_needs_comes_along() -> None:
    ordering = stable_order([[2], [], [1]])
    assert ordering.order == [1, 2, 0]
    assert ordering.pulled == {1: 2, 2: 0}


def test_a_cycle_is_told() -> None:
    assert stable_order([[1], [2], [0]]).cycle == [0, 1, 2]
    assert stable_order([[0]]).cycle == [0]


def test_a_long_chain_does_not_recurse() -> None:
    n = 50_000
    ordering = stable_order([[i + 1] if i + 1 < n else [] for i in range(n)])
    assert ordering.order == list(reversed(range(n)))


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    n = draw(st.integers(0, 12))
    return [draw(st.lists(st.integers(0, n - 1), max_size=3)) for _ in range(n)]


@given(graphs())
def test_every_predecessor_comes_first_or_there_is_a_real_cycle(graph: list[list[int]]) -> None:
    ordering = stable_order(graph)
    if ordering.cycle:
        ring = [*ordering.cycle, ordering.cycle[0]]
        assert all(b in graph[a] for a, b in pairwise(ring))
        return
    assert sorted(ordering.order) == list(range(len(graph)))
    place = {step: i for i, step in enumerate(ordering.order)}
    assert all(place[p] < place[s] for s, ps in enumerate(graph) for p in ps)


@given(graphs())
def test_what_was_not_pulled_keeps_its_order(graph: list[list[int]]) -> None:
    ordering = stable_order(graph)
    if not ordering.cycle:
        stayed = [s for s in ordering.order if s not in ordering.pulled]
        assert stayed == sorted(stayed)
