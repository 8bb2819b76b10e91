"""One small network as a library, with a walk whose path the package itself computes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.deploy.test_path import RATE_HZ, STRIDE, WINDOW, host_path, network, settings
from tests.odometry.test_attitude_twin import walk
from tinynas.deploy import Model, compile_path
from tinynas.deploy.export import Contents, Walk, memory_map


@pytest.fixture(scope="session")
def contents():
    model, chosen = Model(network()), settings()
    samples = walk(31, 2000, RATE_HZ, wild=False)
    velocity, _ = host_path(model, *(array.astype(np.float64) for array in samples))
    position = np.cumsum(velocity * STRIDE / RATE_HZ, axis=0)
    time_s = (np.arange(len(velocity)) * STRIDE + WINDOW - 1) / RATE_HZ
    path = Walk("tumbling", np.concatenate(samples, axis=1), np.column_stack([time_s, velocity, position]))
    program = compile_path(model, chosen, name="walker_network")
    documents = {"memory_map.md": memory_map(model, program), "model_card.md": "# Card\n", "provenance.json": "{}\n"}
    return Contents("walker", "2.0.1", "a board", program, chosen, path, documents)


@pytest.fixture
def write():
    def write(files, folder):
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)

    return write
