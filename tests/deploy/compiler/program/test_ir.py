"""Which rows an access reads: by arithmetic, and one by one."""

from hypothesis import given
from hypothesis import strategies as st

from tinynas.deploy.compiler.program.ir import Access


@st.composite
def accesses(draw):
    small, low = st.integers(-12, 12), draw(st.integers(0, 6))
    return Access(
        value=0,
        base=draw(small),
        stride=draw(st.sampled_from((-2, -1, 1, 2, 3))),
        dilation=draw(st.integers(1, 5)),
        taps=draw(st.integers(1, 6)),
        low=low,
        high=draw(st.integers(low, 14)),
    )


@given(accesses(), st.integers(0, 9))
def test_what_exists_lies_between_the_ends(access, row):
    wanted = [one for one in access.rows(row) if access.low <= one < access.high]
    first, last = access.ends(row)
    assert list(access.existing(row)) == wanted
    assert [first, last] == [wanted[0], wanted[-1]] if wanted else first > last
