"""A study as a search leaves it, with a network that makes a path; made up, so that no training is needed."""

from __future__ import annotations

from tests.deploy.test_path import SCALING, WINDOW, network
from tinynas.board import load_board
from tinynas.config import config_from_mapping
from tinynas.study import Study

TCN = {
    **{"family": "tcn", "filters": 4, "kernel_size": 3, "dilations": [1, 2], "dropout": 0.0, "norm": "none"},
    **{"skip_connections": False, "window": WINDOW, "channels": 6, "outputs": 2, "symmetry": "none"},
}
COST = {"sram_bytes": 9000, "flash_bytes": 60000, "macs": 5000, "source": "proxy", "engine": "tflm", "arena_bytes": 800}


def make_study(folder, frame="level", finished=True):
    """Two trials that are done, the second better, and one that does not fit."""
    config = config_from_mapping({"dataset": {"window": WINDOW, "frame": frame}, "trials": 3}, "made.yaml")
    board = load_board("nucleo_f446re").to_dict()
    secrets = {"dataset_folder": "/home/somebody/walks", "tinynas": "0.1.0", "seed": 0}
    with Study.create(folder, config=config.to_dict(), board=board, provenance=secrets) as study:
        for number in range(2):
            trial = study.propose(params={}, architecture=TCN, key=f"k{number}", seed=number).id
            study.advance(trial, "costed", measurement=COST)
            study.advance(trial, "trained", artefacts={"weights": b"none"})
            study.advance(trial, "converted", artefacts={"tflite": network(seed=3 + number)})
            study.advance(trial, "measured", metrics={"error_int8": 0.3})
            study.advance(trial, "done", objective=0.3 - 0.1 * number, feasible=True)
        trial = study.propose(params={}, architecture=TCN, key="k2", seed=2).id
        study.advance(trial, "costed", measurement={**COST, "sram_bytes": 900_000})
        study.advance(trial, "infeasible", objective=10.5, reason="SRAM 900000 of 100000 bytes")
        scale = {"mean": SCALING.mean.tolist(), "std": SCALING.std.tolist(), "channels": []}
        if finished:
            study.set_summary(
                {
                    "rate_hz": 100.0,
                    "frame": frame,
                    "window": WINDOW,
                    "normalization": scale,
                    "best_trial": 1,
                    "seconds": 3.0,
                }
            )
    return folder
