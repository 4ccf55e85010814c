"""Which layers are built anew: small ones often, large ones rarely, and no item is left out on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from central.filters.rules import LAST_LAYER, LAYER_ITEMS, STATES, Plan, Size, everything, plan
from protocol.filters import ITEMS_A_GONE_ROW, FilterKind
from protocol.items import State

LIMIT = 4_000_000
layers_of_any_size = st.dictionaries(
    st.integers(0, LAST_LAYER),
    st.tuples(st.integers(1, 500_000), st.floats(0, 1)).map(
        lambda size: Size(size[0], int(size[0] * size[1]))
    ),
)


def test_nothing_new_changes_nothing() -> None:
    assert plan({0: Size(100), 3: Size(3_000_000)}, 0, LIMIT) is None


def test_what_is_new_goes_to_the_smallest_layer() -> None:
    assert plan({0: Size(100), 1: Size(30_000), 3: Size(3_000_000)}, 50, LIMIT) == Plan(into=0)


def test_a_full_layer_melts_into_the_next() -> None:
    assert plan({0: Size(4_000), 1: Size(20_000)}, 200, LIMIT) == Plan(into=1, melted=(0,))


def test_full_layers_melt_together() -> None:
    full = {0: Size(4_000), 1: Size(32_000), 2: Size(262_000), 3: Size(1_000_000)}
    assert plan(full, 200, LIMIT) == Plan(into=3, melted=(0, 1, 2))


def test_a_first_set_of_a_million_is_one_layer() -> None:
    assert plan({}, 1_000_000, LIMIT) == Plan(into=LAST_LAYER)


def test_what_leaves_a_small_layer_is_taken_out_of_its_bits() -> None:
    assert plan({0: Size(4_000, gone=1), 3: Size(3_000_000)}, 0, LIMIT) == Plan(into=0)


def test_what_leaves_a_large_layer_is_named_beside_it() -> None:
    assert plan({3: Size(3_000_000, gone=40_000)}, 0, LIMIT) is None


def test_a_layer_from_which_much_has_gone_is_built_anew() -> None:
    worn = Size(32_768, gone=ITEMS_A_GONE_ROW + 1)
    assert plan({0: Size(10), 1: worn, 3: Size(3_000_000)}, 0, LIMIT) == Plan(into=1, melted=(0,))


def test_items_that_have_gone_take_no_room() -> None:
    assert plan({1: Size(32_768, gone=500)}, 4_000, LIMIT) == Plan(into=0)


def test_a_set_beyond_its_limit_lets_its_oldest_tenth_go_at_once() -> None:
    full = {0: Size(100), 1: Size(30_000), 3: Size(3_969_900)}
    assert plan(full, 1, LIMIT) == Plan(into=3, melted=(0, 1), keep=3_600_000)


def test_a_limit_that_was_lowered_shrinks_the_set_into_a_smaller_layer() -> None:
    assert plan({0: Size(10), 3: Size(1_000_000)}, 0, 10_000) == Plan(into=1, melted=(0, 3), keep=9_000)


def test_everything_anew_leaves_one_layer() -> None:
    assert everything({0: Size(10), 2: Size(100_000)}, 50_000) == Plan(into=2, melted=(0,))


@given(layers_of_any_size, st.integers(0, 300_000))
def test_no_layer_but_the_last_grows_beyond_what_it_may_hold(layers: dict[int, Size], added: int) -> None:
    planned = plan(layers, added, 100_000_000)
    if planned is not None and planned.into < LAST_LAYER:
        joined = (planned.into, *planned.melted)
        held = sum(size.items - size.gone for layer, size in layers.items() if layer in joined)
        assert held + added <= LAYER_ITEMS[planned.into]


@given(layers_of_any_size, st.integers(0, 300_000))
def test_every_smaller_layer_melts_into_the_one_that_is_built(layers: dict[int, Size], added: int) -> None:
    planned = plan(layers, added, 100_000_000)
    if planned is not None:
        assert planned.melted == tuple(sorted(layer for layer in layers if layer < planned.into))


@given(layers_of_any_size, st.integers(1, 300_000))
def test_new_items_are_always_built_into_some_layer(layers: dict[int, Size], added: int) -> None:
    assert plan(layers, added, LIMIT) is not None


def test_every_sold_recalled_or_stolen_item_belongs_to_one_set() -> None:
    assert {state: kind for kind, states in STATES.items() for state in states} == {
        State.SOLD: FilterKind.SOLD,
        State.SOLD_PROVISIONALLY: FilterKind.SOLD,
        State.RECALLED: FilterKind.RECALLED,
        State.STOLEN: FilterKind.STOLEN,
    }
