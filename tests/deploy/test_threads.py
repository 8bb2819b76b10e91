"""TensorFlow's threads, in processes of their own: they can be fixed only before TensorFlow begins."""

import os
import subprocess
import sys

import pytest


def run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.split()


@pytest.mark.slow
def test_threads_are_fixed_before_tensorflow_begins_and_not_after():
    program = """
from tinynas.deploy import load_tensorflow
print(load_tensorflow(3), load_tensorflow(3), load_tensorflow(2))
import tensorflow as tf
print(tf.config.threading.get_intra_op_parallelism_threads())
"""
    assert run(program, TF_NUM_INTRAOP_THREADS="8") == ["True", "True", "False", "3"]


TRAIN = """
import numpy as np
from tinynas.deploy import load_tensorflow
load_tensorflow(1)
from tinynas.network import TCN
from tinynas.network.training import TrainingOptions, train
from tinynas.network.training_data import TrainingData
rng = np.random.default_rng(0)
inputs = rng.normal(size=(640, 64, 9)).astype(np.float32)
targets = inputs[:, -8:, :2].sum(axis=1)
network = TCN(filters=16, kernel_size=3, dilations=(1, 2, 4), window=64, channels=9)
data = TrainingData((inputs, targets), (inputs[:256], targets[:256]))
fit = train(network, data, TrainingOptions(epochs=2, batch_size=256), rng=np.random.default_rng(1))
print(*[value.hex() for value in fit.history])
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cannot take processors away")
def test_a_training_ends_alike_on_one_core_and_on_all_whatever_the_environment_says():
    one = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    alone = run(one + TRAIN, TF_NUM_INTRAOP_THREADS="1", OMP_NUM_THREADS="1")
    assert len(alone) == 2
    environment = {"TF_NUM_INTRAOP_THREADS": "4", "TF_NUM_INTEROP_THREADS": "4", "OMP_NUM_THREADS": "4"}
    assert run(TRAIN, **environment) == alone
