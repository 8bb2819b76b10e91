"""Checkpoints: a training in pieces is the training in one piece, bit by bit."""

from dataclasses import replace

import numpy as np
import pytest

from tinynas.errors import StudyError
from tinynas.network import TCN, Checkpoint, TrainingData, TrainingOptions, train

NETWORK = TCN(filters=4, kernel_size=3, dilations=(1, 2), window=16, channels=3, dropout=0.1, norm="batch")
CONFIG = TrainingOptions(epochs=5, batch_size=32)


class Jitter:
    """Varies windows by noise of the training's own generator, as augmentation does."""

    def vary(self, rng, inputs, targets, /):
        return inputs + rng.normal(scale=0.1, size=inputs.shape).astype(np.float32), targets


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    splits = [rng.normal(size=(count, 16, 3)).astype(np.float32) for count in (160, 60)]
    train_split, valid_split = ((x, x[:, -3:, :2].mean(axis=1)) for x in splits)
    return TrainingData(train_split, valid_split, augmenter=Jitter())


@pytest.fixture(scope="module")
def whole(data):
    return train(NETWORK, data, CONFIG, rng=np.random.default_rng(7))


def in_pieces(data, *stops, config=CONFIG, stored=True):
    checkpoint, heard = None, []
    for stop in (*stops, None):
        # Another seed for every piece: what counts is in the checkpoint.
        rng = np.random.default_rng(7 if checkpoint is None else 1000 + stop if stop else 1)
        fit = train(
            NETWORK, data, config, rng=rng, until=stop, checkpoint=checkpoint,
            on_epoch=lambda epoch, rmse: heard.append((epoch, rmse)),
        )  # fmt: skip
        if fit.checkpoint is None:
            return fit, heard
        checkpoint = Checkpoint.from_bytes(fit.checkpoint.to_bytes()) if stored else fit.checkpoint
    raise AssertionError("it never ended")


@pytest.mark.slow
@pytest.mark.parametrize(("stops", "stored"), [((1, 4), True), ((1, 4), False)])
def test_pieces_make_the_same_weights_bit_by_bit(data, whole, stops, stored):
    fit, heard = in_pieces(data, *stops, stored=stored)
    assert fit.history == whole.history
    assert heard == list(enumerate(whole.history))
    assert (fit.best_epoch, fit.valid_rmse, fit.checkpoint) == (whole.best_epoch, whole.valid_rmse, None)
    assert fit.weights.keys() == whole.weights.keys()
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(fit.weights[name], value)


def test_a_pause_tells_the_best_so_far(data, whole):
    fit = train(NETWORK, data, CONFIG, rng=np.random.default_rng(7), until=2)
    assert fit.checkpoint is not None
    assert fit.history == whole.history[:2]
    assert fit.valid_rmse == min(whole.history[:2])


def test_a_pause_at_the_end_or_beyond_is_the_end(data, whole):
    for until in (5, 9):
        fit = train(NETWORK, data, CONFIG, rng=np.random.default_rng(7), until=until)
        assert (fit.checkpoint, fit.history) == (None, whole.history)


@pytest.mark.slow
def test_patience_counts_over_pauses(data):
    config = replace(CONFIG, epochs=30, learning_rate=0.5, patience=3)
    once = train(NETWORK, data, config, rng=np.random.default_rng(7))
    assert len(once.history) < 30
    fit, _ = in_pieces(data, 1, 2, 3, config=config)
    assert fit.history == once.history


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all", b"\x93NUMPY\x01\x00"])
def test_what_is_no_checkpoint_is_refused(content):
    with pytest.raises(StudyError, match="checkpoint cannot be read"):
        Checkpoint.from_bytes(content)


def test_a_checkpoint_of_another_version_is_refused(data):
    fit = train(NETWORK, data, CONFIG, rng=np.random.default_rng(7), until=1)
    content = fit.checkpoint.to_bytes()
    assert content.count(b'{"format": 1,') == 1
    with pytest.raises(StudyError):
        Checkpoint.from_bytes(content.replace(b'{"format": 1,', b'{"format": 2,'))
