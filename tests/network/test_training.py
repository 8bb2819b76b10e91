"""Training: it learns, stops, keeps the best, repeats itself exactly, says when it fails, leaves no memory behind."""

from dataclasses import replace

import numpy as np
import psutil
import pytest

from tinynas.errors import TrainingDiverged
from tinynas.network import TCN, fold, initial_weights
from tinynas.network.training import Fit, TrainingOptions, predict, train
from tinynas.network.training_data import TrainingData

ARCHITECTURE = TCN(filters=8, kernel_size=3, dilations=(1, 2, 4), window=32, channels=3)
QUICK = TrainingOptions(epochs=3, batch_size=64)


def recordings(count, seed):
    """Windows, and targets that hang on their last samples, one linearly and one not; far from zero."""
    inputs = np.random.default_rng(seed).normal(size=(count, 32, 3)).astype(np.float32)
    targets = np.stack([3 * inputs[:, -8:, 0].mean(axis=1), np.abs(inputs[:, -4:, 1]).sum(axis=1)], axis=1)
    return inputs, (targets + 50).astype(np.float32)


def joint_rmse(predicted, targets):
    return np.sqrt(np.mean(np.sum((predicted.astype(float) - targets) ** 2, axis=1)))


@pytest.fixture(scope="module")
def data():
    return TrainingData(recordings(1024, 1), recordings(300, 2))


def fit(data, architecture=ARCHITECTURE, config=QUICK, seed=0, **options) -> Fit:
    return train(architecture, data, config, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("norm", ["none", pytest.param("batch", marks=pytest.mark.slow)])
@pytest.mark.parametrize("skip", [False, True])
def test_it_learns_and_beats_the_mean(data, norm, skip):
    architecture = replace(ARCHITECTURE, norm=norm, skip_connections=skip, dropout=0.02)
    result = fit(data, architecture, TrainingOptions(epochs=25, batch_size=32, learning_rate=1e-2))
    of_the_mean = joint_rmse(data.offset[None], data.valid_targets)
    assert result.valid_rmse < 0.6 * of_the_mean
    assert result.history[-1] < 0.6 * result.history[0]


def test_it_does_not_learn_what_is_not_there(data):
    """Targets of other windows: no network may seem better than the mean by more than chance."""
    inputs, targets = recordings(1024, 1)
    shuffled = TrainingData((inputs, targets[::-1]), recordings(300, 2))
    assert fit(shuffled).valid_rmse > 0.95 * joint_rmse(data.offset[None], data.valid_targets)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_best_epoch_is_kept_and_training_stops(norm):
    """Of noise nothing can be learnt: a large rate soon makes it worse, and patience ends it."""
    rng = np.random.default_rng(0)
    noise = [
        (rng.normal(size=(n, 32, 3)).astype(np.float32), rng.normal(size=(n, 2)).astype(np.float32)) for n in (256, 150)
    ]
    data, architecture = TrainingData(*noise), replace(ARCHITECTURE, norm=norm, dropout=0.3)
    config = TrainingOptions(epochs=60, batch_size=64, learning_rate=0.03, patience=3)
    result = fit(data, architecture, config)
    assert len(result.history) == result.best_epoch + config.patience + 1 < config.epochs
    assert result.valid_rmse == result.history[result.best_epoch] == min(result.history)
    predicted = predict(architecture, fold(architecture, result.weights), data.valid_inputs)
    assert joint_rmse(predicted, data.valid_targets) == pytest.approx(result.valid_rmse, rel=1e-5)
    assert result.history[-1] > result.valid_rmse * (1 + 1e-4), "the last weights would have given another error"


def test_where_nothing_is_held_out_the_last_epoch_is_kept():
    """Of noise nothing can be learnt, so that an epoch that could be chosen would not be the last."""
    rng = np.random.default_rng(0)
    noise = [
        (rng.normal(size=(n, 32, 3)).astype(np.float32), rng.normal(size=(n, 2)).astype(np.float32)) for n in (128, 100)
    ]
    config = TrainingOptions(epochs=9, batch_size=32, learning_rate=0.03)
    chosen, kept = (fit(TrainingData(*noise, held_out=held_out), config=config) for held_out in (True, False))
    assert chosen.history == kept.history
    assert chosen.best_epoch < kept.best_epoch == 8
    predicted = predict(ARCHITECTURE, kept.weights, noise[1][0])
    assert joint_rmse(predicted, noise[1][1]) == pytest.approx(kept.history[-1], rel=1e-5)


def test_weights_are_in_the_units_of_the_targets(data):
    result = fit(data)
    assert result.weights.keys() == initial_weights(ARCHITECTURE, np.random.default_rng(0)).keys()
    predicted = predict(ARCHITECTURE, result.weights, data.valid_inputs)
    assert joint_rmse(predicted, data.valid_targets) == pytest.approx(result.valid_rmse, rel=1e-5)
    assert predicted.mean() == pytest.approx(51, abs=2)


def test_outputs_share_one_scale():
    """So that the loss ranks errors as the joint RMSE does: an output of tiny spread must not count as much."""
    inputs, targets = recordings(64, 1)
    data = TrainingData((inputs, targets * [1.0, 1e-3]), recordings(10, 2))
    assert np.ndim(data.scale) == 0
    spread = np.asarray(data.targets).std(axis=0)
    assert spread[1] < 0.01 * spread[0]


def test_targets_that_do_not_vary_are_learnt_as_they_are():
    inputs, targets = recordings(128, 1)
    data = TrainingData((inputs, np.full_like(targets, 7.0)), (inputs[:20], np.full((20, 2), 7.0, np.float32)))
    assert fit(data).valid_rmse < 1e-3


def test_every_epoch_is_reported(data):
    seen = []
    result = fit(data, on_epoch=lambda epoch, rmse: seen.append((epoch, rmse)))
    assert seen == list(enumerate(result.history))
    assert len(seen) == QUICK.epochs


@pytest.mark.slow
def test_the_same_seed_gives_the_same_training(data):
    architecture = replace(ARCHITECTURE, norm="batch", dropout=0.2)
    first, second, other = fit(data, architecture), fit(data, architecture), fit(data, architecture, seed=1)
    assert first.history == second.history
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)
    assert first.history != other.history


class DropoutSeed(np.random.Generator):
    """Everything from one seed but the integer that seeds the dropout masks."""

    def __init__(self, dropout_seed):
        super().__init__(np.random.PCG64(0))
        self.dropout_seed = dropout_seed

    def integers(self, *args, **kwargs):
        return self.dropout_seed


@pytest.mark.slow
@pytest.mark.parametrize(("dropout", "same"), [(0.3, False), (0.0, True)])
def test_dropout_masks_follow_their_own_seed(data, dropout, same):
    architecture = replace(ARCHITECTURE, dropout=dropout)
    histories = [train(architecture, data, QUICK, rng=DropoutSeed(seed)).history for seed in (1, 2, 1)]
    assert histories[0] == histories[2]
    assert (histories[0] == histories[1]) == same


def test_fewer_windows_than_a_batch_are_trained_on_all_the_same():
    few = recordings(10, 1)
    result = fit(
        TrainingData(few, few), config=TrainingOptions(epochs=100, batch_size=128, learning_rate=1e-2, patience=99)
    )
    assert result.valid_rmse < 0.5 * result.history[0]


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_an_absurd_rate_diverges(data, norm):
    with pytest.raises(TrainingDiverged, match="diverged") as caught:
        fit(data, replace(ARCHITECTURE, norm=norm), replace(QUICK, learning_rate=1e38))
    assert caught.value.where == replace(ARCHITECTURE, norm=norm).key
    assert caught.value.disposition == "infeasible", "a property of the candidate: the search goes on"


@pytest.mark.parametrize("spoilt", ["inputs", "targets"])
def test_nan_in_the_data_diverges(spoilt):
    inputs, targets = recordings(128, 1)
    {"inputs": inputs, "targets": targets}[spoilt][3, -1] = np.nan
    with pytest.raises(TrainingDiverged):
        fit(TrainingData((inputs, targets), recordings(50, 2)))


def test_a_training_that_breaks_down_late_keeps_its_best():
    data = TrainingData(recordings(128, 1), recordings(50, 2))

    def break_down(epoch, rmse):
        if epoch == 1:
            data.valid_targets[:] = np.nan

    result = fit(data, config=TrainingOptions(epochs=50, batch_size=64), on_epoch=break_down)
    assert result.best_epoch <= 1
    assert result.valid_rmse == min(result.history[:2])
    assert len(result.history) == 3
    assert np.isnan(result.history[2])
    assert all(np.isfinite(value).all() for value in result.weights.values())


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 2100])
def test_predicting_in_batches_changes_nothing(count):
    weights = initial_weights(ARCHITECTURE, np.random.default_rng(0))
    inputs, _ = recordings(2100, 3)
    predicted = predict(ARCHITECTURE, weights, inputs[:count])
    assert predicted.shape == (count, 2)
    assert predicted.dtype == np.float32
    for start in range(0, count, 700):
        part = predict(ARCHITECTURE, weights, inputs[start : start + 700])[: count - start]
        np.testing.assert_allclose(predicted[start : start + 700], part, atol=1e-5)


@pytest.mark.slow
def test_a_hundred_candidates_leave_no_memory_behind():
    """The first dozens fill the caches of TensorFlow and of the allocator; from then on nothing may grow."""
    data, process = TrainingData(recordings(64, 1), recordings(32, 2)), psutil.Process()
    rng, config = np.random.default_rng(0), TrainingOptions(epochs=1, batch_size=64)
    resident = []
    for i in range(100):
        architecture = TCN(
            filters=int(rng.integers(2, 9)),
            kernel_size=int(rng.integers(2, 5)),
            dilations=tuple(int(d) for d in rng.choice((1, 2, 4, 8), 1 + i % 2, replace=False)),
            window=32,
            channels=3,
            norm=("none", "batch")[i // 2 % 2],
            dropout=(0.0, 0.1)[i // 4 % 2],
        )
        fit(data, architecture, config)
        resident.append(process.memory_info().rss)
    assert resident[-1] - resident[39] < 100e6
