"""Recordings and dataset folders in miniature."""

from __future__ import annotations

import gzip
import json

import h5py
import numpy as np

from tinynas.odometry import Recording


def make_recording(position, *, rate_hz=100.0, name="r", mag=True, valid=None, mode=None, orientation=None):
    """A recording along (N, 2) or (N, 3) positions with inputs that count rows and channels."""
    position = np.asarray(position, float)
    n = len(position)
    if position.shape[1] == 2:
        position = np.column_stack([position, np.zeros(n)])
    rows = np.arange(n)[:, None]
    tenth = np.arange(1, 4) / 10
    return Recording(
        name=name,
        rate_hz=rate_hz,
        time_s=np.arange(n) / rate_hz,
        accel=rows + tenth,
        gyro=rows + tenth + 0.3,
        mag=rows + tenth + 0.6 if mag else None,
        position=position,
        orientation=orientation,
        valid=np.ones(n, bool) if valid is None else np.asarray(valid, bool),
        mode=mode,
    )


def line(n, *, speed_m_s=1.0, rate_hz=100.0, angle_rad=0.0):
    """(n, 2) positions along a straight line."""
    along = speed_m_s * np.arange(n) / rate_hz
    return np.stack([along * np.cos(angle_rad), along * np.sin(angle_rad)], axis=1)


def arc(n, *, radius_m=5.0, speed_m_s=1.0, rate_hz=100.0):
    """(n, 2) positions along a circle to the left."""
    angle = speed_m_s / radius_m * np.arange(n) / rate_hz
    return radius_m * np.stack([np.sin(angle), 1 - np.cos(angle)], axis=1)


def write_oxiod_pair(folder, mode, data, index, *, rows=300, compress=False, seed=0):
    """One IMU and one Vicon file in the original layout: lies face up and moves along x at 1 m/s."""
    rng = np.random.default_rng(seed)
    syn = folder / mode / data / "syn"
    syn.mkdir(parents=True, exist_ok=True)
    imu = np.zeros((rows, 16))
    imu[:, 0] = 1.5e11
    imu[:, 4:7] = rng.normal(0, 0.1, (rows, 3))
    imu[:, 9] = -1.0
    imu[:, 12] = 0.1
    imu[:, 13:16] = [20.0, 0.0, -40.0]
    truth = np.zeros((rows, 9))
    truth[:, 1] = np.arange(rows)
    truth[:, 2] = np.arange(rows) / 100
    truth[:, 8] = 1.0
    paths = []
    for kind, table in (("imu", imu), ("vi", truth)):
        path = syn / f"{kind}{index}.csv{'.gz' if compress else ''}"
        text = "\n".join(",".join(f"{value:.6g}" for value in row) for row in table) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if compress else text.encode())
        paths.append(path)
    return tuple(paths)


RONIN_INFO = {
    "start_frame": 50,
    "imu_init_gyro_bias": [0.01, -0.02, 0.03],
    "imu_acce_bias": [0.1, 0.2, -0.3],
    "imu_acce_scale": [1.01, 0.99, 1.0],
    "start_calibration": [1.0, 0.0, 0.0, 0.0],
    "device": "asus4",
}


def write_ronin_sequence(folder, name, *, rows=600, info=None, drop=(), seed=0):
    """One sequence in RoNIN's layout, walking along x at 1 m/s, the phone level and turned by 90 degrees."""
    rng = np.random.default_rng(seed)
    path = folder / name
    path.mkdir(parents=True)
    (path / "info.json").write_text(json.dumps(RONIN_INFO if info is None else info))
    half = np.sqrt(0.5)
    data = {
        "synced/time": 1000.0 + np.arange(rows) / 200,
        "synced/acce": np.tile([0.1, 0.2, 9.5], (rows, 1)),
        "synced/gyro_uncalib": np.tile(RONIN_INFO["imu_init_gyro_bias"], (rows, 1)) + rng.normal(0, 1e-3, (rows, 3)),
        "synced/magnet": np.tile([20.0, 0.0, -40.0], (rows, 1)),
        "synced/game_rv": np.tile([1.0, 0.0, 0.0, 0.0], (rows, 1)),
        "pose/tango_pos": np.stack([np.arange(rows) / 200, np.zeros(rows), np.ones(rows)], axis=1),
        "pose/tango_ori": np.tile([half, 0.0, 0.0, half], (rows, 1)),
    }
    with h5py.File(path / "data.hdf5", "w") as file:
        for key, values in data.items():
            if key not in drop:
                file[key] = values
    return path


CSV_HEADER = (
    "time_s,accel_x_m_s2,accel_y_m_s2,accel_z_m_s2,gyro_x_rad_s,gyro_y_rad_s,gyro_z_rad_s,"
    "mag_x_uT,mag_y_uT,mag_z_uT,position_x_m,position_y_m,position_z_m"
)


def csv_text(rows=300, *, rate_hz=100.0, header=CSV_HEADER, edit=None):
    """Rows of a level phone that walks along x at 1 m/s; `edit` changes the (rows, 13) table of strings."""
    table = np.zeros((rows, 13))
    table[:, 0] = np.arange(rows) / rate_hz
    table[:, 3] = 9.81
    table[:, 7] = 20.0
    table[:, 10] = table[:, 0]
    lines = [[f"{value:.10g}" for value in row] for row in table]
    if edit:
        edit(lines)
    return "\n".join([header, *map(",".join, lines)]) + "\n"


def write_idol_recording(folder, building, part, name, *, rows=300, drop=(), seed=0):
    """One recording in IDOL's layout: a level phone that walks along x at 1 m/s; the rig is half a turn from it."""
    import pyarrow as arrow
    import pyarrow.feather as feather

    rng = np.random.default_rng(seed)
    path = folder / building / part
    path.mkdir(parents=True, exist_ok=True)
    zeros = np.zeros(rows)
    columns = {"timestamp": 50.0 + np.arange(rows) / 100}
    way = (np.arange(rows) / 100, zeros, zeros)
    columns |= {f"processedPos{axis}": values for axis, values in zip("XYZ", way, strict=True)}
    columns |= {f"orient{axis}": np.full(rows, value) for axis, value in zip("WXYZ", (0.0, 0.0, 0.0, 1.0), strict=True)}
    columns |= {f"iphoneAcc{axis}": np.full(rows, value) for axis, value in zip("XYZ", (0.0, 0.0, -1.0), strict=True)}
    columns |= {f"iphoneGyro{axis}": rng.normal(0, 0.1, rows) for axis in "XYZ"}
    columns |= {f"iphoneMag{axis}": np.full(rows, value) for axis, value in zip("XYZ", (20.0, 0.0, -40.0), strict=True)}
    columns |= {f"stencilAcc{axis}": zeros for axis in "XYZ"}
    kept = {name: values for name, values in columns.items() if name not in drop}
    feather.write_feather(arrow.table(kept), str(path / f"{name}.feather"))
    return path / f"{name}.feather"


RIDI_HEADER = (
    "time,gyro_x,gyro_y,gyro_z,acce_x,acce_y,acce_z,linacce_x,linacce_y,linacce_z,grav_x,grav_y,grav_z,"
    "magnet_x,magnet_y,magnet_z,pos_x,pos_y,pos_z,ori_w,ori_x,ori_y,ori_z,rv_w,rv_x,rv_y,rv_z"
)


def write_ridi_recording(folder, name, *, rows=400, header=RIDI_HEADER, seed=0):
    """One recording in RIDI's layout: a level phone, turned by 90 degrees, that walks along x at 1 m/s."""
    rng = np.random.default_rng(seed)
    table = np.zeros((rows, 27))
    table[:, 0] = 7_000_000_000_000 + np.arange(rows) * 5_000_000
    table[:, 1:4] = rng.normal(0, 0.1, (rows, 3))
    table[:, 6] = 9.81
    table[:, 13:16] = [20.0, 0.0, -40.0]
    table[:, 16] = np.arange(rows) / 200
    table[:, 19] = table[:, 22] = np.sqrt(0.5)
    path = folder / name / "processed"
    path.mkdir(parents=True)
    lines = [",".join([str(int(row[0])), *(f"{value:.9g}" for value in row[1:])]) for row in table]
    (path / "data.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder / name
