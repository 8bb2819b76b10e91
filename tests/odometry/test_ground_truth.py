from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.odometry import trusted_rows


def walk(n=400):
    t = np.arange(n) / 100
    return np.stack([np.sin(t), 0.5 * t, 1.2 + 0.01 * np.sin(12 * t)], axis=1)


def test_trusts_a_clean_walk():
    assert trusted_rows(walk(), 100.0).all()


def test_masks_both_sides_of_a_jump_and_nothing_else():
    track = walk()
    track[200:] += [0.3, 0.0, 0.0]  # 30 m/s for one step, then it goes on elsewhere
    bad = np.flatnonzero(~trusted_rows(track, 100.0, max_excursion_m=10.0))
    assert bad.tolist() == [199, 200]


def test_masks_an_excursion_between_two_jumps():
    track = walk()
    track[150:190, 2] -= 1.0
    assert np.flatnonzero(~trusted_rows(track, 100.0)).tolist() == list(range(149, 191))


def test_masks_an_excursion_that_creeps_below_the_jump_speed():
    track = walk()
    track[200:212, 2] += 0.03 * np.minimum(np.arange(12), np.arange(12)[::-1]) * 5
    bad = np.flatnonzero(~trusted_rows(track, 100.0, max_speed_m_s=1000.0))
    assert 205 in bad
    assert set(bad) <= set(range(195, 217))


def test_masks_a_frozen_stretch_only_where_asked():
    track = walk()
    track[100:112] = track[100]
    assert np.flatnonzero(~trusted_rows(track, 100.0)).tolist() == list(range(101, 113))
    assert trusted_rows(track, 100.0, max_speed_m_s=100.0, max_frozen_s=None).all()


def test_nan_rows_are_not_trusted_and_do_not_spread():
    track = walk()
    track[50:60] = np.nan
    assert np.flatnonzero(~trusted_rows(track, 100.0)).tolist() == list(range(50, 60))


@pytest.mark.parametrize("lost", [100, range(0, 3), range(396, 400), range(100, 180), range(100, 400, 7)])
def test_rows_without_a_position_do_not_hide_an_excursion(lost):
    track = np.concatenate([walk(), walk() + walk()[-1]])
    ramp = np.minimum(np.arange(30), np.arange(30)[::-1]) / 10
    track[600:630, 0] += 0.6 * np.minimum(ramp, 1.0)  # 6 m/s at most: no jump where 10 m/s are allowed
    whole = trusted_rows(track, 100.0, max_speed_m_s=10.0)
    assert not whole[610:620].any()
    track[lost] = np.nan
    holed = trusted_rows(track, 100.0, max_speed_m_s=10.0)
    assert not holed[lost].any()
    np.testing.assert_array_equal(holed[500:], whole[500:])


def test_an_excursion_cut_from_the_track_by_missing_rows_is_masked():
    track = walk()
    track[200:210, 1] += 0.6
    track[[199, 210]] = np.nan  # no step to see a jump in
    assert np.flatnonzero(~trusted_rows(track, 100.0)).tolist() == list(range(199, 211))


def test_a_track_may_go_on_elsewhere_after_a_long_gap():
    track = np.outer(np.arange(400) / 100, [3.0, 0.0, 0.0])
    track[250:] -= [12.0, 0.0, 0.0]  # back the way it came: bridged, the edges of the gap would look far off
    track[150:250] = np.nan
    assert np.flatnonzero(~trusted_rows(track, 100.0)).tolist() == list(range(150, 250))


def test_a_track_without_any_position_is_not_trusted():
    assert not trusted_rows(np.full((50, 3), np.nan), 100.0).any()


@settings(max_examples=50, deadline=None)
@given(row=st.integers(0, 399), size=st.floats(0.3, 100.0), axis=st.integers(0, 2))
def test_any_single_row_outlier_is_masked(row, size, axis):
    track = walk()
    track[row, axis] += size
    valid = trusted_rows(track, 100.0)
    assert not valid[row]
    assert (~valid).sum() <= 3


@pytest.mark.parametrize("rows", [2, 3, 10])
def test_short_tracks_do_not_fail(rows):
    assert trusted_rows(walk(rows), 100.0).all()
