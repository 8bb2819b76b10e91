"""Points of a batch evaluated as Jobs of Kubernetes, one Job a point, by the official client."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinynas.tuner.config import ConfigValueError, Params
from tinynas.tuner.executors import Answer
from tinynas.tuner.kube import CONTAINER, RUN_LABEL, JobTemplate, api_errors, connect, driver_pod, job_state, short

__all__ = ["KubernetesJobs"]

logger = logging.getLogger(__name__)

# A finished Job that its driver has not deleted goes by itself after so many seconds.
_LEFT_S = 600
_PAUSE_S, _CONNECT_S = 1.0, 10.0
# A watch is begun anew so often, in case its connection has died without anybody noticing.
_WATCH_S = 60.0
# A container's last lines, among which is its answer.
_TAIL_LINES, _TAIL_BYTES = 20, 65536
_LOG_TRIES = 5
_CONFLICT, _TOO_MANY = 409, 429


class KubernetesJobs:
    """Evaluates lists of points.

    Args:
        image: The containers' image.
        command: Program and arguments. It finds its point as a JSON object in the environment variable TINYNAS_PARAMS,
            and prints the value (a list, for several objectives) as JSON in its last line.
        namespace: Where the Jobs are made; None: the one of the configuration in use.
        resources: What a container requests, and is limited to, such as {"cpu": "2", "memory": "4Gi"}.
        timeout: Seconds for a batch. What is not finished then is ended and left out.
        kubeconfig: File to reach the cluster by; None: the usual one, or that of the pod this process runs in.
        left_s: After so many seconds a finished Job goes by itself, if its driver has died.

    Raises:
        ConfigTypeError: The command is not a list of texts.
        ConfigValueError: The client is not installed, or the cluster does not let this process list its Jobs.
    """

    def __init__(
        self,
        image: str,
        command: Sequence[str],
        *,
        namespace: str | None = None,
        resources: Mapping[str, str] | None = None,
        timeout: float = 3600.0,
        kubeconfig: str | Path | None = None,
        left_s: int = _LEFT_S,
    ) -> None:
        template = JobTemplate(image, command, resources or {}, timeout, left_s)
        api, current = connect(kubeconfig)
        from kubernetes import client

        self._jobs, self._core = client.BatchV1Api(api), client.CoreV1Api(api)
        self._namespace = namespace or current
        try:
            self._jobs.list_namespaced_job(self._namespace, limit=1, _request_timeout=_CONNECT_S)
            owner = driver_pod(self._core, self._namespace, _CONNECT_S)
        except api_errors() as error:
            what = f"the cluster does not let its Jobs in {self._namespace} be seen: {short(error)}"
            raise ConfigValueError(what, where="kubernetes", advice="see that `kubectl get jobs,pods` works") from error
        self._template = dataclasses.replace(template, owner=owner)

    def __call__(self, batch: list[Params]) -> Answer:
        """Evaluate a batch; the values, or `(points, values)` of what succeeded before the deadline."""
        deadline = time.monotonic() + self._template.timeout
        run = uuid.uuid4().hex[:12]
        names = {f"tinynas-{run}-{index}": params for index, params in enumerate(batch)}
        values: dict[str, Any] = {}
        try:
            begun = {name for name, params in names.items() if self._create(name, run, params, deadline)}
            values = self._collect(begun, run, deadline)
        finally:
            for name in names:
                self._delete(name)
        succeeded = [(params, values[name]) for name, params in names.items() if name in values]
        answers = [value for _, value in succeeded]
        return answers if len(answers) == len(batch) else ([params for params, _ in succeeded], answers)

    def _create(self, name: str, run: str, params: Params, deadline: float) -> bool:
        """Make a Job; whether there is one."""
        try:
            job = self._template.job(name, run, params)
        except TypeError as error:
            logger.warning("the point %s cannot be sent: %s", params, error)
            return False
        while (made := self._attempt(job)) is None:
            if time.monotonic() + _PAUSE_S > deadline:
                return False
            time.sleep(_PAUSE_S)
        return made

    def _attempt(self, job: Any) -> bool | None:
        """Whether the cluster has the Job, or refuses it; None: it may be tried again."""
        try:
            self._jobs.create_namespaced_job(self._namespace, job, _request_timeout=_CONNECT_S)
        except api_errors() as error:
            status = getattr(error, "status", None) or 0
            if status == _CONFLICT:  # the answer to an earlier try was lost
                return True
            logger.warning("the Job %s was not made: %s", job.metadata.name, short(error))
            return False if 400 <= status < 500 and status != _TOO_MANY else None
        return True

    def _collect(self, names: set[str], run: str, deadline: float) -> dict[str, Any]:
        """Values of the Jobs that succeed before the deadline."""
        values: dict[str, Any] = {}
        waiting = set(names)
        while waiting and time.monotonic() < deadline:
            if not self._follow(run, waiting, values, deadline):
                time.sleep(min(_PAUSE_S, max(0.0, deadline - time.monotonic())))
        for name in sorted(waiting):
            logger.warning(
                "the Job %s was not finished after %g s: %s", name, self._template.timeout, self._obstacle(name)
            )
        return values

    def _follow(self, run: str, waiting: set[str], values: dict[str, Any], deadline: float) -> bool:
        """For a while take what finishes out of those that are waited for; whether the cluster kept answering."""
        try:
            for job in self._states(run, waiting, deadline):
                self._take(job, waiting, values)
        except api_errors() as error:
            logger.warning("the watch of the Jobs was interrupted: %s", short(error))
            return False
        return True

    def _take(self, job: Any, waiting: set[str], values: dict[str, Any]) -> None:
        name, state = job.metadata.name, job_state(job)
        if name not in waiting or state is None:
            return
        waiting.discard(name)
        if state != "Complete":
            logger.warning("the Job %s failed: %s", name, state)
            return
        try:
            values[name] = self._answer(name)
        except (ValueError, LookupError) as error:
            logger.warning("the Job %s printed no value: %s", name, error)

    def _states(self, run: str, waiting: set[str], deadline: float) -> Iterator[Any]:
        """The Jobs as they are now, and then every change, for a while."""
        from kubernetes.watch import Watch

        selector = f"{RUN_LABEL}={run}"
        listed = self._jobs.list_namespaced_job(self._namespace, label_selector=selector, _request_timeout=_CONNECT_S)
        for gone in waiting - {job.metadata.name for job in listed.items}:
            logger.warning("the Job %s was deleted by somebody else", gone)
            waiting.discard(gone)
        yield from listed.items
        seconds = math.ceil(min(_WATCH_S, max(1.0, deadline - time.monotonic())))
        if not waiting:
            return
        watch = Watch()
        for event in watch.stream(
            self._jobs.list_namespaced_job,
            self._namespace,
            label_selector=selector,
            resource_version=listed.metadata.resource_version,
            timeout_seconds=seconds,
            _request_timeout=(_CONNECT_S, seconds + _CONNECT_S),
        ):
            if event["type"] == "DELETED":
                return  # the next list says whose
            yield event["object"]
            if not waiting or time.monotonic() > deadline:
                watch.stop()

    def _answer(self, name: str) -> Any:
        """The value in the last line of a Job's output.

        Raises:
            ValueError: It is not JSON.
            LookupError: The output cannot be read.
        """
        tries = _LOG_TRIES
        while (text := self._output(name)) is None:
            tries -= 1
            if not tries:
                raise LookupError("its output cannot be read")
            time.sleep(_PAUSE_S)
        lines = [line for line in text.splitlines() if line.strip()]
        return json.loads(lines[-1] if lines else "")

    def _output(self, name: str) -> str | None:
        """The end of a Job's output; None: it may be there later."""
        try:
            pods = [pod for pod in self._pods(name) if pod.status.phase == "Succeeded"]
            if not pods:  # the pod's own state may be behind its Job's
                return None
            response = self._core.read_namespaced_pod_log(
                pods[-1].metadata.name,
                self._namespace,
                container=CONTAINER,
                tail_lines=_TAIL_LINES,
                limit_bytes=_TAIL_BYTES,
                _preload_content=False,  # the client would take JSON for an object and print it its own way
                _request_timeout=_CONNECT_S,
            )
            return str(response.data.decode("utf-8", errors="replace"))
        except api_errors() as error:
            logger.warning("the output of the Job %s cannot be read: %s", name, short(error))
            return None

    def _obstacle(self, name: str) -> str:
        """What the pod of an unfinished Job waits for."""
        try:
            for pod in self._pods(name):
                for status in pod.status.container_statuses or []:
                    waiting = status.state.waiting if status.state else None
                    if waiting is not None:
                        return f"{waiting.reason}: {waiting.message or ''}".rstrip(": ")
                conditions = [c for c in pod.status.conditions or [] if c.status == "False" and c.message]
                return str(conditions[0].message if conditions else pod.status.phase)
        except api_errors() as error:
            return short(error)
        return "no pod was made"

    def _pods(self, name: str) -> list[Any]:
        selector = f"job-name={name}"
        found: list[Any] = self._core.list_namespaced_pod(
            self._namespace, label_selector=selector, _request_timeout=_CONNECT_S
        ).items
        return found

    def _delete(self, name: str) -> None:
        """Delete a Job with its pods; one that is gone already is no error."""
        try:
            self._jobs.delete_namespaced_job(
                name, self._namespace, propagation_policy="Background", _request_timeout=_CONNECT_S
            )
        except api_errors() as error:
            if getattr(error, "status", None) != 404:
                logger.warning("the Job %s was not deleted; it goes by itself: %s", name, short(error))
