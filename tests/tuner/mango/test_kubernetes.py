"""The real client against a small server that runs each Job's command as a process."""

import logging
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("kubernetes")

from tests.tuner.mango._kubernetes import serving
from tinynas.errors import ConfigError
from tinynas.tuner import Tuner, jobs, scheduler

BATCH = [{"x": 1, "y": 2}, {"x": 3, "y": 4}, {"x": 5, "y": 6}]
ADD = "import json, os; p = json.loads(os.environ['TINYNAS_PARAMS'])\n"


def script(text):
    return [sys.executable, "-c", ADD + text]


TOTAL = script("print('epoch 1 of 1'); print(p['x'] + p['y'])")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "_PAUSE_S", 0.05)
    with serving(tmp_path) as (server, kubeconfig):
        server.kubeconfig = kubeconfig
        yield server


@pytest.fixture
def objective(cluster):
    def make(command=TOTAL, **options):
        return scheduler.kubernetes(
            "lab/train:1", command=command, kubeconfig=cluster.kubeconfig, **{"timeout": 60, "n_jobs": 3, **options}
        )

    return make


@pytest.mark.slow
def test_all_values_in_order_and_no_job_is_left(cluster, objective):
    made = objective()
    assert made(BATCH) == [3, 7, 11]
    assert made([]) == []
    assert len(cluster.made) == 3
    assert cluster.jobs == {}
    assert made.batch_size == 3


def test_what_a_job_says_of_itself(cluster, objective):
    seen = {}
    cluster.trouble = lambda method, path: seen.update(cluster.jobs) if method == "DELETE" else None
    objective(resources={"cpu": "2", "memory": "4Gi"}, timeout=61.5)(BATCH[:1])
    [job] = seen.values()
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (0, 92, 600)
    assert [rule["action"] for rule in spec["podFailurePolicy"]["rules"]] == ["Ignore", "FailJob"]
    [container] = pod["containers"]
    assert (container["image"], container["command"]) == ("lab/train:1", TOTAL)
    assert container["resources"]["limits"] == container["resources"]["requests"] == {"cpu": "2", "memory": "4Gi"}
    assert {path.split("/")[5] for method, path, _ in cluster.requests if method == "POST"} == {"lab"}
    assert {token for *_, token in cluster.requests} == {"Bearer secret"}


def test_a_program_that_fails_costs_its_own_point(objective, caplog):
    with caplog.at_level(logging.WARNING, logger="tinynas.tuner"):
        answer = objective(script("assert p['x'] != 3; print(p['x'])"))(BATCH)
    assert answer == ([BATCH[0], BATCH[2]], [1, 5])
    assert "PodFailurePolicy: exit code 1" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("said", ["'nearly done'", "''", "'0.5 m/s'"])
def test_a_program_that_prints_no_value_costs_its_own_point(objective, caplog, said):
    assert objective(script(f"print(0.25 if p['x'] == 1 else {said})"))(BATCH) == ([BATCH[0]], [0.25])
    assert "printed no value" in caplog.text


@pytest.mark.slow
def test_what_is_not_finished_at_the_deadline_is_ended_and_left_out(cluster, objective, caplog):
    started = time.monotonic()
    answer = objective(script("import time; time.sleep(60 if p['x'] == 3 else 0); print(p['x'])"), timeout=4)(BATCH)
    assert answer == ([BATCH[0], BATCH[2]], [1, 5])
    assert time.monotonic() - started < 20
    assert cluster.jobs == {}


@pytest.mark.slow
def test_a_missing_image_is_said(cluster, objective, caplog):
    cluster.images_that_are_missing = {"lab/train:1"}
    assert objective(timeout=1.2)(BATCH[:1]) == ([], [])
    assert "was not finished after 1.2 s: ImagePullBackOff: no image lab/train:1" in caplog.text


def test_a_cluster_that_stumbles_costs_nothing(cluster, objective):
    asked = []

    def trouble(method, path):
        asked.append((method, path))
        count = sum(1 for other, where in asked if other == method and where.split("?")[0] == path.split("?")[0])
        watch = "watch=" in path
        return (410 if watch else 500) if (count % 2 == 0 and method != "DELETE") else None

    made = objective()
    cluster.trouble = trouble
    assert made(BATCH) == [3, 7, 11]


def test_a_job_that_was_made_though_the_answer_was_lost(cluster, objective):
    made = objective()
    create = cluster.create

    def lost(job):
        cluster.create = create
        create(job)
        raise ConnectionResetError

    cluster.create = lost
    assert made(BATCH) == [3, 7, 11]
    assert len(cluster.made) == 3


def test_a_job_that_somebody_deletes_costs_its_own_point(cluster, objective, caplog):
    create = cluster.create

    def snatched(job):
        made = create(job)
        if len(cluster.made) == 2:
            cluster.delete(job["metadata"]["name"])
        return made

    cluster.create = snatched
    assert objective()(BATCH) == ([BATCH[0], BATCH[2]], [3, 11])
    assert "deleted by somebody else" in caplog.text


def test_jobs_that_are_refused_cost_their_points(cluster, objective, caplog):
    made = objective()
    cluster.trouble = lambda method, _path: 403 if method == "POST" else None
    assert made(BATCH) == ([], [])
    assert "was not made: 403" in caplog.text


DRIVER = """
import sys
from tinynas.tuner.jobs import KubernetesJobs
command = [sys.executable, "-c", "import time; time.sleep(60)"]
print("begun", flush=True)
KubernetesJobs("lab/train:1", command, timeout=3, left_s=1, kubeconfig=sys.argv[1])([{"x": 1}, {"x": 2}])
"""


def _killed_once_it_has_made(cluster, count, **environment):
    import os

    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(cluster.kubeconfig)], env={**os.environ, **environment}
    )
    deadline = time.monotonic() + 60
    while len(cluster.made) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    driver.kill()
    driver.wait()


def _gone(cluster, seconds):
    deadline = time.monotonic() + seconds
    while cluster.jobs and time.monotonic() < deadline:
        time.sleep(0.05)
    return not cluster.jobs


@pytest.mark.slow
def test_jobs_of_a_driver_that_was_killed_go_by_themselves(cluster):
    _killed_once_it_has_made(cluster, 2)
    assert len(cluster.jobs) == 2
    assert _gone(cluster, 30)


@pytest.mark.slow
def test_jobs_go_with_the_pod_of_their_driver(cluster):
    _killed_once_it_has_made(cluster, 2, KUBERNETES_SERVICE_HOST="10.0.0.1", HOSTNAME="driver")
    owners = [job["metadata"]["ownerReferences"] for job in cluster.jobs.values()]
    assert owners == [[{"apiVersion": "v1", "kind": "Pod", "name": "driver", "uid": "uid-of-driver"}]] * 2
    cluster.delete_pod("uid-of-driver")
    assert cluster.jobs == {}


def test_an_interrupt_deletes_the_jobs(cluster, objective):
    made = objective(script("import time; time.sleep(60)"))

    def interrupt(method, path):
        if "watch=" in path:
            import _thread

            cluster.trouble = lambda *_: None
            _thread.interrupt_main()

    cluster.trouble = interrupt
    with pytest.raises(KeyboardInterrupt):
        made(BATCH)
    assert cluster.jobs == {}


def test_values_of_numpy_are_sent_and_what_json_cannot_say_costs_its_point(objective, caplog):
    answer = objective(script("print(p['x'])"))([{"x": np.float64(0.5)}, {"x": object()}, {"x": np.int64(3)}])
    assert answer[1] == [0.5, 3]
    assert "cannot be sent" in caplog.text


def test_a_search(objective):
    tuner = Tuner({"x": range(4)}, objective(script("print((p['x'] - 2) ** 2)")), {"seed": 0, "log_progress": False})
    assert tuner.minimize()["best_params"] == {"x": 2}


def test_mistakes_are_found_before_a_search_begins(cluster, objective, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="list of texts"):
        objective("python train.py")
    with pytest.raises(ConfigError, match="above 0"):
        objective(timeout=0)
    with pytest.raises(ConfigError, match="at least 1"):
        objective(n_jobs=0)
    with pytest.raises(ConfigError, match="no cluster is configured"):
        scheduler.kubernetes("image", command=["true"], kubeconfig=tmp_path / "none")
    cluster.trouble = lambda *_: 401
    with pytest.raises(ConfigError, match="401"):
        objective()
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(ConfigError, match="not installed"):
        objective()
