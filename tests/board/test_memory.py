"""Regions and the contiguous spans they form."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.board import MemoryRegion, check_regions, contiguous_spans
from tinynas.errors import ConfigError


@st.composite
def disjoint_regions(draw):
    """Regions in ascending order with gaps of zero (adjacent) or more bytes, shuffled."""
    regions, address = [], draw(st.integers(0, 2**20))
    for index in range(draw(st.integers(1, 8))):
        address += draw(st.one_of(st.just(0), st.integers(1, 1000)))
        size = draw(st.integers(1, 2**16))
        regions.append(MemoryRegion(f"r{index}", address, size))
        address += size
    return draw(st.permutations(regions))


@given(disjoint_regions())
def test_spans_cover_exactly_the_regions_and_never_touch(regions):
    spans = contiguous_spans(regions)
    assert sum(span.size_bytes for span in spans) == sum(region.size_bytes for region in regions)
    assert all(low.end < high.origin for low, high in itertools.pairwise(spans))
    for region in regions:
        assert sum(span.origin <= region.origin and region.end <= span.end for span in spans) == 1


@given(disjoint_regions())
def test_disjoint_regions_are_accepted_and_spans_do_not_depend_on_order(regions):
    check_regions((region.name, region) for region in regions)
    assert contiguous_spans(regions) == contiguous_spans(sorted(regions, key=lambda region: region.name))


@given(disjoint_regions(), st.data())
def test_an_overlap_of_one_byte_is_refused_and_its_key_named(regions, data):
    victim = data.draw(st.sampled_from(regions))
    intruder = MemoryRegion("intruder", victim.end - 1, 1)
    with pytest.raises(ConfigError, match="inside") as caught:
        check_regions((region.name, region) for region in [*regions, intruder])
    assert caught.value.where in {"intruder", victim.name}


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([MemoryRegion("a", 0, 0)], "empty"),
        ([MemoryRegion("a", 0, -4)], "empty"),
        ([MemoryRegion("a", 2**32 - 4, 8)], "address space"),
        ([MemoryRegion("a", 0, 4), MemoryRegion("a", 8, 4)], "two regions are called 'a'"),
        ([MemoryRegion("a", 0, 8), MemoryRegion("b", 0, 8)], "inside"),
    ],
)
def test_impossible_regions_are_refused(regions, message):
    with pytest.raises(ConfigError, match=message):
        check_regions((f"sram[{index}]", region) for index, region in enumerate(regions))


def test_a_region_may_end_where_the_address_space_ends():
    check_regions([("sram[0]", MemoryRegion("top", 2**32 - 4, 4))])


def test_a_merged_span_is_named_after_its_regions():
    spans = contiguous_spans([MemoryRegion("b", 8, 8), MemoryRegion("far", 100, 1), MemoryRegion("a", 0, 8)])
    assert spans == (MemoryRegion("a+b", 0, 16), MemoryRegion("far", 100, 1))
