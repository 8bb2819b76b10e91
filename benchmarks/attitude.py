"""How good the attitude filter is, beside public ones, on recordings with ground truth.

    python benchmarks/attitude.py --oxiod FOLDER [--broad FOLDER] [--sensitivity] [--json] [--out FILE]

OxIOD (`--oxiod`): the error of the heading alone is put on the true speed; the table has the ATE in m of the path that
this makes, and the heading's RMS error in degrees without its mean, both as means over the recordings; and the RMS
error without the mean of all recordings carried alike, which is what a network that was trained on some of them meets
on another. BROAD
(`--broad`, the folder data_hdf5 of github.com/dlaidig/broad, CC BY 4.0): RMS of the whole rotation error in degrees
while the device moves, as means over undisturbed and disturbed trials. The anchors are the packages vqf and imufusion,
where they are installed (`pip install vqf imufusion`). CPU time is that of ten minutes at 100 Hz.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _common import add_output_options, environment, limit_threads, report

limit_threads(1)

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.signal import butter, sosfiltfilt  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402

from tinynas.odometry import AttitudeOptions, Recording, calibrate_magnetometer, heading_error, read_oxiod  # noqa: E402
from tinynas.odometry.attitude import replay_twin, track_attitude  # noqa: E402
from tinynas.odometry.attitude.gains import compute_gains  # noqa: E402

Filter = Callable[[Any, Any, Any, float], Any]

_TEN_MINUTES = 60_000
_SENSITIVITY = {
    "tilt_time_s": (1.0, 2.0, 5.0, 10.0),
    "heading_time_s": (2.0, 5.0, 15.0, 20.0, 30.0, 60.0),
    "gyro_bias_start_deg_s": (0.1, 2.0),
    "gyro_bias_tilt_deg_s": (0.1, 0.3),
    "gyro_bias_heading_deg_s": (0.05, 0.2, 0.4),
    "field_tolerance": (0.0, 0.1, 0.2, 0.3),
    "field_reject_s": (10.0, 300.0),
    "field_accept_s": (10.0, 40.0),
}


# How far soft iron is believed to stretch a field: the standard deviation of its ridge.
_SOFT_IRON = 0.1


def calibrate_soft_iron(gyro: Any, mag: Any, rate_hz: float) -> tuple[Any, Any]:
    """Hard and soft iron of a whole recording: m = (I + D) r - c turns as the gyroscope says, dm/dt = -w x m.

    D is symmetric and without a trace, which a field of unknown strength does not tell. Least squares below 1 Hz as in
    `calibrate_magnetometer`; the ridge of D is that of a prior of `_SOFT_IRON`.

    Returns:
        (3, 3) I + D and (3,) c.
    """
    sections = butter(2, min(2 / rate_hz, 0.9), output="sos")
    w, r = sosfiltfilt(sections, gyro, axis=0), sosfiltfilt(sections, mag, axis=0)
    change, count = np.gradient(r, 1 / rate_hz, axis=0), len(r)
    shapes = [np.diag(d) / np.linalg.norm(d) for d in ((1.0, -1.0, 0.0), (1.0, 1.0, -2.0))]
    shapes += [np.eye(3)[[i, j]].T @ np.eye(3)[[j, i]] for i, j in ((0, 1), (0, 2), (1, 2))]
    columns = [(change @ shape + np.cross(w, r @ shape)).ravel() for shape in shapes]
    columns += [-np.cross(w, np.eye(3)[[axis]]).ravel() for axis in range(3)]
    left, right = np.stack(columns, axis=1), -(change + np.cross(w, r)).ravel()
    normal, target = left.T @ left, left.T @ right
    ridge = np.diag([0.0] * len(shapes) + [1e-3 * count] * 3)
    hard = np.linalg.solve((normal + ridge)[-3:, -3:], target[-3:])
    # Below 1 Hz so many rows tell as much as one.
    together = rate_hz / 2
    ridge[: len(shapes), : len(shapes)] = np.eye(len(shapes)) * (
        together * ((right - left[:, -3:] @ hard) ** 2).mean() / _SOFT_IRON**2
    )
    found = np.linalg.solve(normal + ridge, target)
    return np.eye(3) + np.tensordot(found[:-3], shapes, axes=1), found[-3:]


def without_soft_iron(accel: Any, gyro: Any, mag: Any, rate_hz: float) -> Any:
    shape, offset = calibrate_soft_iron(gyro, mag, rate_hz)
    return ours()(accel, gyro, mag @ shape - offset, rate_hz)


def rotate(quaternions: Any) -> Any:
    """(n, 3, 3) of (n, 4) quaternions w x y z."""
    return Rotation.from_quat(np.asarray(quaternions, float), scalar_first=True).as_matrix()


def turn_north(rotations: Any) -> Any:
    """From x east and y north to x north and y west."""
    return np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]) @ rotations


def ours(**options: Any) -> Filter:
    chosen = AttitudeOptions(**options)
    return lambda accel, gyro, mag, rate_hz: track_attitude(accel, gyro, mag, rate_hz, chosen)


def in_python(accel: Any, gyro: Any, mag: Any, rate_hz: float) -> Any:
    inputs = (np.asarray(array, np.float32) for array in (np.zeros(3), accel, gyro, mag))
    return replay_twin(compute_gains(rate_hz), None, *inputs)[0].reshape(-1, 3, 3)


def of_vqf(**options: Any) -> Filter:
    from vqf import VQF

    def run(accel: Any, gyro: Any, mag: Any, rate_hz: float) -> Any:
        arrays = [np.ascontiguousarray(array) for array in (gyro, accel, mag)]
        return turn_north(rotate(VQF(1 / rate_hz, **options).updateBatch(*arrays)["quat9D"]))

    return run


def of_imufusion(accel: Any, gyro: Any, mag: Any, rate_hz: float) -> Any:
    import imufusion

    settings = imufusion.AhrsSettings(
        sample_rate=rate_hz, convention=imufusion.CONVENTION_NWU, gain=0.5, gyroscope_range=2000.0,
        acceleration_rejection=10.0, magnetic_rejection=10.0, rejection_timeout=5.0,
    )  # fmt: skip
    ahrs, bias = imufusion.Ahrs(), imufusion.Bias()
    ahrs.set_settings(settings)
    bias.set_settings(imufusion.BiasSettings(sample_rate=rate_hz))
    found = []
    for force, rate, field in zip(accel / 9.80665, np.degrees(gyro), mag, strict=True):
        ahrs.update(bias.update(rate), force, field)
        found.append(ahrs.get_quaternion())
    return rotate(found)


def filters() -> Iterator[tuple[str, Filter, bool]]:
    """Name, filter, and whether its magnetometer is given without its hard iron."""
    yield "tinynas", ours(), True
    yield "tinynas, hard iron learned online", ours(hard_iron="online"), False
    yield "tinynas, hard iron left in", ours(), False
    yield "tinynas, soft iron taken off as well", without_soft_iron, False
    try:
        yield "vqf", of_vqf(), True
        yield "vqf, tauMag 20 s", of_vqf(tauMag=20.0), True
        yield "vqf, hard iron left in", of_vqf(), False
    except ImportError:
        pass
    try:
        import imufusion  # noqa: F401

        yield "imufusion", of_imufusion, True
    except ImportError:
        pass


def heading_ate(recording: Recording, error: Any) -> tuple[float, float]:
    """ATE in m that the heading's error makes on the true speed, and its RMS in degrees; the mean error is no error."""
    error = np.angle(np.exp(1j * error) / np.exp(1j * error)[recording.valid].mean())
    rows, known = np.arange(len(recording)), np.flatnonzero(recording.valid)
    x, y = (np.interp(rows, known, recording.position[known, axis]) for axis in (0, 1))
    steps = np.diff(x + 1j * y)
    apart = np.abs(np.cumsum(steps * (np.exp(1j * error[1:]) - 1)))
    trusted = recording.valid[1:]
    return float(np.sqrt((apart[trusted] ** 2).mean())), float(
        np.degrees(np.sqrt((error[recording.valid] ** 2).mean()))
    )


def on_oxiod(run: Filter, recordings: list[tuple[Recording, Any]], clean: bool) -> tuple[float, float, float]:
    errors = []
    for r, iron in recordings:
        rotation = run(r.accel, r.gyro, r.mag - (iron if clean else 0), r.rate_hz)
        errors.append(-heading_error(r, np.asarray(rotation, float)))
    found = [heading_ate(r, error) for (r, _), error in zip(recordings, errors, strict=True)]
    squares = []
    for mode in {r.mode for r, _ in recordings}:
        alike = [np.exp(1j * e)[r.valid] for (r, _), e in zip(recordings, errors, strict=True) if r.mode == mode]
        middle = np.concatenate(alike).mean()
        squares += [float((np.angle(one / middle) ** 2).mean()) for one in alike]
    ate_m, heading_deg = np.mean(found, axis=0).tolist()
    return ate_m, heading_deg, float(np.degrees(np.sqrt(np.mean(squares))))


def on_broad(run: Filter, folder: Path) -> tuple[float, float]:
    errors: dict[bool, list[float]] = {True: [], False: []}
    for path in sorted(folder.glob("*.hdf5")):
        with h5py.File(path) as file:
            accel, gyro, mag, truth, moving = (
                file[key][:] for key in ("imu_acc", "imu_gyr", "imu_mag", "opt_quat", "movement")
            )
            rotation = run(accel, gyro, mag, float(file.attrs["sampling_rate"]))
        counts = moving & np.isfinite(truth).all(axis=1)
        apart = np.einsum("nij,nij->n", rotation[counts], turn_north(rotate(truth[counts])))
        angle = np.degrees(np.arccos(np.clip((apart - 1) / 2, -1, 1)))
        errors["undisturbed" in path.name].append(float(np.sqrt((angle**2).mean())))
    return float(np.mean(errors[True])), float(np.mean(errors[False]))


def ten_minutes(run: Filter, rng: Any) -> float:
    force, rate, field = (rng.normal(0, s, (_TEN_MINUTES, 3)) for s in (1.0, 0.5, 5.0))
    start = time.process_time()
    run(force + np.array([0, 0, 9.81]), rate, field + np.array([20.0, 0, -40]), 100.0)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oxiod", type=Path, required=True, metavar="FOLDER", help="OxIOD in its own layout")
    parser.add_argument("--broad", type=Path, metavar="FOLDER", help="BROAD's data_hdf5")
    parser.add_argument("--sensitivity", action="store_true", help="every option of the filter, one at a time")
    add_output_options(parser)
    options = parser.parse_args()
    recordings = [
        (r, calibrate_magnetometer(r.gyro, r.mag, r.rate_hz)) for part in read_oxiod(options.oxiod) for r in part
    ]
    chosen = list(filters())
    if options.sensitivity:
        chosen = [("defaults", ours(), True)]
        chosen += [(f"{k} {v:g}", ours(**{k: v}), True) for k, values in _SENSITIVITY.items() for v in values]
    table = Table(
        "filter", "OxIOD: ATE by heading, m", "heading, deg", "carried alike, deg", "BROAD: undisturbed, deg",
        "disturbed, deg", "CPU s",
    )  # fmt: skip
    result = []
    for name, run, clean in chosen:
        ate_m, heading_deg, alike_deg = on_oxiod(run, recordings, clean)
        broad = (None, None) if options.broad is None else on_broad(run, options.broad)
        cpu_s = None if options.sensitivity else ten_minutes(run, np.random.default_rng(0))
        row = {"filter": name, "ate_m": ate_m, "heading_deg": heading_deg, "alike_deg": alike_deg,
               "undisturbed_deg": broad[0], "disturbed_deg": broad[1], "cpu_s": cpu_s}  # fmt: skip
        result.append(row)
        table.add_row(name, *("" if value is None else f"{value:.2f}" for value in list(row.values())[1:]))
    if not options.sensitivity:
        cpu_s = ten_minutes(in_python, np.random.default_rng(0))
        result.append({"filter": "tinynas without a C compiler", "cpu_s": cpu_s})
        table.add_row("tinynas without a C compiler", "", "", "", "", "", f"{cpu_s:.2f}")
    report(options, {"environment": environment("numpy"), "filters": result}, table)


if __name__ == "__main__":
    main()
