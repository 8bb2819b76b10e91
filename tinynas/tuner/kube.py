"""Kubernetes by its official client: the connection, a Job's description, and what of its states counts."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params

__all__ = ["CONTAINER", "RUN_LABEL", "JobTemplate", "api_errors", "connect", "driver_pod", "job_state", "short"]

CONTAINER = "evaluation"
RUN_LABEL = "tinynas.run"
#: The environment variable in which a container finds its point, as a JSON object.
_PARAMETERS = "TINYNAS_PARAMS"
# A driver that lives ends its Jobs itself, and says what they were waiting for.
_GRACE_S = 30
_INSIDE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class JobTemplate:
    """What the Jobs of all points share.

    Attributes:
        image: Of the containers.
        command: Program and arguments.
        resources: What a container requests, and is limited to.
        timeout: Seconds after which a Job is ended, by the driver, or without it half a minute later.
        left_s: Seconds after which a finished Job goes by itself.
        owner: The object that the Jobs go with; None: no such object.

    Raises:
        ConfigTypeError: The command is not a list of texts.
        ConfigValueError: The timeout is not above 0.
    """

    image: str
    command: Sequence[str]
    resources: Mapping[str, str]
    timeout: float
    left_s: int
    owner: Any = None

    def __post_init__(self) -> None:
        words = self.command
        if isinstance(words, str) or not words or not all(isinstance(word, str) for word in words):
            raise ConfigTypeError("a list of texts is needed: the program and its arguments", where="command")
        if not self.timeout > 0:
            raise ConfigValueError(f"must be above 0, not {self.timeout!r}", where="timeout")

    def job(self, name: str, run: str, params: Params) -> Any:
        """The Job of a point.

        Args:
            name: Of the Job.
            run: Label of all Jobs of a batch.
            params: The point.

        Raises:
            TypeError: A value has no form in JSON.
        """
        from kubernetes import client as m

        container = m.V1Container(
            name=CONTAINER,
            image=self.image,
            command=list(self.command),
            env=[m.V1EnvVar(name=_PARAMETERS, value=json.dumps(params, default=_plain))],
            resources=m.V1ResourceRequirements(requests=dict(self.resources), limits=dict(self.resources)),
        )
        # A pod that the cluster evicts is replaced; a program that fails has failed.
        evicted = m.V1PodFailurePolicyOnPodConditionsPattern(type="DisruptionTarget", status="True")
        failed = m.V1PodFailurePolicyOnExitCodesRequirement(container_name=CONTAINER, operator="NotIn", values=[0])
        policy = [
            m.V1PodFailurePolicyRule(action="Ignore", on_pod_conditions=[evicted]),
            m.V1PodFailurePolicyRule(action="FailJob", on_exit_codes=failed),
        ]
        pod = m.V1PodSpec(containers=[container], restart_policy="Never")
        labels = {RUN_LABEL: run}
        return m.V1Job(
            metadata=m.V1ObjectMeta(
                name=name, labels=labels, owner_references=None if self.owner is None else [self.owner]
            ),
            spec=m.V1JobSpec(
                template=m.V1PodTemplateSpec(metadata=m.V1ObjectMeta(labels=labels), spec=pod),
                backoff_limit=0,
                pod_failure_policy=m.V1PodFailurePolicy(rules=policy),
                # Both hold without the driver, too.
                active_deadline_seconds=math.ceil(self.timeout) + min(_GRACE_S, self.left_s),
                ttl_seconds_after_finished=self.left_s,
            ),
        )


def connect(kubeconfig: str | Path | None) -> tuple[Any, str]:
    """A client of the cluster, and the namespace that its configuration names.

    Args:
        kubeconfig: A file; None: the usual one, or that of the pod this process runs in.

    Raises:
        ConfigValueError: The client is not installed, or no cluster is configured.
    """
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise ConfigValueError("kubernetes is not installed", advice="pip install 'tinynas[kubernetes]'") from error
    settings = client.Configuration()
    file = None if kubeconfig is None else str(kubeconfig)
    try:
        config.load_config(config_file=file, client_configuration=settings)
    except config.ConfigException as error:
        advice = "name a kubeconfig, or run inside the cluster"
        raise ConfigValueError(f"no cluster is configured: {error}", where="kubeconfig", advice=advice) from error
    namespace = _INSIDE.read_text(encoding="utf-8").strip() if _INSIDE.is_file() else "default"
    with suppress(config.ConfigException):
        _, current = config.list_kube_config_contexts(file)
        namespace = str(current["context"].get("namespace", "default"))
    return client.ApiClient(settings), namespace


def driver_pod(core: Any, namespace: str, timeout: float) -> Any:
    """The reference by which the cluster deletes Jobs with the pod that this process runs in.

    Args:
        core: The API of pods.
        namespace: The pod's, which is that of the Jobs.
        timeout: Seconds for the request.

    Returns:
        None outside of a pod.

    Raises:
        ApiException: The pod cannot be read.
    """
    from kubernetes import client

    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        return None
    pod = core.read_namespaced_pod(os.environ.get("HOSTNAME", "unknown"), namespace, _request_timeout=timeout)
    return client.V1OwnerReference(api_version="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid)


def job_state(job: Any) -> str | None:
    """`Complete`, why it failed, or None while it runs."""
    for condition in job.status.conditions or []:
        if condition.status == "True" and condition.type in ("Complete", "Failed"):
            return "Complete" if condition.type == "Complete" else f"{condition.reason}: {condition.message}"
    return None


def api_errors(*more: type[Exception]) -> tuple[type[BaseException], ...]:
    """What the client raises when the cluster refuses, or is out of reach; and some more, for one `except`."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    return ApiException, HTTPError, OSError, *more


def short(error: BaseException) -> str:
    """An error of the client in a line: its text holds all headers of the answer."""
    status = getattr(error, "status", None)
    return f"{status} {getattr(error, 'reason', '')}" if status else f"{type(error).__name__}: {error}"


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} has no form in JSON")
