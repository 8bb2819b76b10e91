"""Our errors against those of evo, the field's own tool (M. Grupp, github.com/MichaelGrupp/evo), on the same files."""

from __future__ import annotations

import numpy as np
import pytest

from tinynas.odometry import SyntheticOptions, WindowSpec, evaluate, load_dataset, make_windows, write_tum


@pytest.fixture(scope="module")
def judged():
    size = SyntheticOptions(n_train=1, n_valid=1, n_test=2, duration_s=90.0)
    recordings = load_dataset("synthetic", seed=5, synthetic=size).test
    windows = make_windows(recordings, WindowSpec(200, 10))
    rng = np.random.default_rng(0)
    predicted = windows.targets * 0.95 + rng.normal(0, 0.05, windows.targets.shape) + [0.02, -0.01]
    still = np.zeros_like(windows.targets)
    return evaluate(predicted, windows, recordings, {"zero": still})


def test_ate_and_rte_are_those_of_evo(judged, tmp_path):
    metrics = pytest.importorskip("evo.core.metrics")
    file_interface = pytest.importorskip("evo.tools.file_interface")
    files = write_tum(judged, tmp_path)
    assert len(files) == 4
    for recording, true_file, predicted_file in zip(judged.recordings, files[::2], files[1::2], strict=True):
        pair = tuple(file_interface.read_tum_trajectory_file(str(path)) for path in (true_file, predicted_file))
        # evo aligns only if it is asked to; without that its APE is our ATE.
        ape = metrics.APE(metrics.PoseRelation.translation_part)
        ape.process_data(pair)
        assert recording.ate_m == pytest.approx(ape.get_statistic(metrics.StatisticsType.rmse), abs=1e-5)
        # Its RPE over all pairs of a fixed number of poses is our RTE where points lie evenly, as they do here: at
        # orientations that are not told both compare displacements in the world.
        step_s = np.diff(recording.path.time_s)
        assert np.ptp(step_s) < 1e-6
        poses = round(60.0 / step_s[0])
        rpe = metrics.RPE(
            metrics.PoseRelation.translation_part, delta=poses, delta_unit=metrics.Unit.frames, all_pairs=True
        )
        rpe.process_data(pair)
        assert recording.rte_m == pytest.approx(rpe.get_statistic(metrics.StatisticsType.rmse), rel=1e-4)


def test_the_files_hold_what_was_evaluated(judged, tmp_path):
    true_file, predicted_file, *_ = write_tum(judged, tmp_path / "new")
    first = judged.recordings[0]
    table = np.loadtxt(predicted_file)
    np.testing.assert_allclose(table[:, 0], first.path.time_s, atol=1e-6)
    np.testing.assert_allclose(table[:, 1:3], first.path.predicted, atol=1e-6)
    assert (table[:, 3:] == [0, 0, 0, 0, 1]).all()
    assert true_file.name == "handheld_test00.true.tum"
