"""A server with the calls of Kubernetes' API that Jobs need. It runs each Job's command as a process."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Server", "serving"]


class Server:
    """The state of the cluster.

    Attributes:
        jobs: By name, as the API has them.
        events: What a watch says: version, kind and Job.
        made: Names of all Jobs that there were.
        trouble: Called with method and path of each request; an HTTP status, to fail it with.
        stuck: Names of Jobs without a process: their image cannot be pulled.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.made: list[str] = []
        self.requests: list[tuple[str, str, str]] = []
        self.trouble: Any = lambda _method, _path: None
        self.images_that_are_missing: set[str] = set()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._output: dict[str, str] = {}
        self.changed = threading.Condition(threading.RLock())

    @property
    def version(self) -> int:
        return len(self.events)

    def create(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """Take a Job; None where there is one of that name."""
        name = job["metadata"]["name"]
        with self.changed:
            if name in self.jobs:
                return None
            spec = job["spec"]["template"]["spec"]
            assert spec["restartPolicy"] == "Never"
            job["metadata"]["uid"] = str(uuid.uuid4())
            job["status"] = {"active": 1}
            self.jobs[name] = job
            self.made.append(name)
            pod = {
                "metadata": {"name": f"{name}-pod", "labels": {"job-name": name}},
                "status": {"phase": "Pending", "containerStatuses": []},
            }
            self.pods[name] = pod
            self._say("ADDED", job)
            [container] = spec["containers"]
            if container["image"] in self.images_that_are_missing:
                waiting = {"reason": "ImagePullBackOff", "message": f"no image {container['image']}"}
                status = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False}
                pod["status"]["containerStatuses"] = [{**status, "restartCount": 0, "state": {"waiting": waiting}}]
            else:
                environment = {**os.environ, **{one["name"]: one["value"] for one in container["env"]}}
                self._processes[name] = subprocess.Popen(
                    container["command"], env=environment, stdout=subprocess.PIPE, text=True
                )
                pod["status"]["phase"] = "Running"
                threading.Thread(target=self._wait, args=(name,), daemon=True).start()
        _later(job["spec"]["activeDeadlineSeconds"], self._too_late, name)
        return job

    def delete(self, name: str) -> bool:
        """Delete a Job with its process."""
        with self.changed:
            job = self.jobs.pop(name, None)
            if job is None:
                return False
            self.pods.pop(name, None)
            self._say("DELETED", job)
            process = self._processes.pop(name, None)
        if process is not None:
            process.kill()
        return True

    def delete_pod(self, uid: str) -> None:
        """What the garbage collector does when a pod has gone."""
        with self.changed:
            owned = [
                name
                for name, job in self.jobs.items()
                if any(owner["uid"] == uid for owner in job["metadata"].get("ownerReferences") or [])
            ]
        for name in owned:
            self.delete(name)

    def output(self, pod: str) -> str:
        return self._output.get(pod.removesuffix("-pod"), "")

    def _wait(self, name: str) -> None:
        process = self._processes[name]
        text, _ = process.communicate()
        self._output[name] = text
        if process.returncode == 0:
            self._end(name, "Complete", "Succeeded", "", "")
        else:
            self._end(name, "Failed", "Failed", "PodFailurePolicy", f"exit code {process.returncode}")

    def _too_late(self, name: str) -> None:
        process = self._processes.get(name)
        if process is not None:
            process.kill()
        self._end(name, "Failed", "Failed", "DeadlineExceeded", "active longer than its deadline")

    def _end(self, name: str, kind: str, phase: str, reason: str, message: str) -> None:
        with self.changed:
            job = self.jobs.get(name)
            if job is None or job["status"].get("conditions"):
                return
            self.pods[name]["status"]["phase"] = phase
            job["status"] = {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": message}]}
            self._say("MODIFIED", job)
        _later(job["spec"]["ttlSecondsAfterFinished"], self.delete, name)

    def _say(self, kind: str, job: dict[str, Any]) -> None:
        self.events.append((self.version + 1, kind, json.loads(json.dumps(job))))
        self.changed.notify_all()


def _later(seconds: float, function: Any, *arguments: Any) -> None:
    timer = threading.Timer(seconds, function, args=arguments)
    timer.daemon = True
    timer.start()


class _Handler(BaseHTTPRequestHandler):
    cluster: Server
    protocol_version = "HTTP/1.1"  # watches are sent in chunks

    def log_message(self, *_arguments: Any) -> None:
        pass

    def _answer(self, content: Any, status: int = 200) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, status: int) -> None:
        self._answer({"kind": "Status", "status": "Failure", "code": status}, status)

    def _parts(self) -> tuple[list[str], dict[str, str]] | None:
        url = urlsplit(self.path)
        self.cluster.requests.append((self.command, url.path, self.headers.get("Authorization", "")))
        status = self.cluster.trouble(self.command, self.path)
        if status is not None:
            self._fail(status)
            return None
        return url.path.strip("/").split("/"), {key: values[0] for key, values in parse_qs(url.query).items()}

    def do_POST(self) -> None:
        found = self._parts()
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        if found is None:
            return
        made = self.cluster.create(body)
        self._answer(made, 201) if made is not None else self._fail(409)

    def do_DELETE(self) -> None:
        found = self._parts()
        length = int(self.headers.get("Content-Length", 0))
        options = json.loads(self.rfile.read(length) or b"{}")
        if found is None:
            return
        parts, query = found
        assert "Background" in (query.get("propagationPolicy"), options.get("propagationPolicy"))
        self._answer({"kind": "Status", "status": "Success"}) if self.cluster.delete(parts[-1]) else self._fail(404)

    def do_GET(self) -> None:
        found = self._parts()
        if found is None:
            return
        parts, query = found
        key, _, value = query.get("labelSelector", "").partition("=")
        if parts[-1] == "jobs" and query.get("watch"):
            self._watch(key, value, query)
        elif parts[-1] == "jobs":
            with self.cluster.changed:
                jobs = [job for job in self.cluster.jobs.values() if not key or _label(job, key) == value]
                about = {"resourceVersion": str(self.cluster.version)}
                self._answer({"kind": "JobList", "apiVersion": "batch/v1", "metadata": about, "items": jobs})
        elif parts[-1] == "pods":
            pods = [pod for pod in self.cluster.pods.values() if _label(pod, key) == value]
            self._answer({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods})
        elif parts[-1] == "log":
            self._answer(self.cluster.output(parts[-2]))
        elif parts[-1] == "driver":
            self._answer({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "driver", "uid": "uid-of-driver"}})
        else:
            self._fail(404)

    def _watch(self, key: str, value: str, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # the client has seen enough
            self._say_changes(key, value, query)

    def _say_changes(self, key: str, value: str, query: dict[str, str]) -> None:
        seen, deadline = int(query["resourceVersion"]), time.monotonic() + int(query["timeoutSeconds"])
        while time.monotonic() < deadline:
            with self.cluster.changed:
                self.cluster.changed.wait(0.1)
                news = self.cluster.events[seen:]
            for version, kind, job in news:
                seen = version
                if _label(job, key) == value:
                    line = json.dumps({"type": kind, "object": job}).encode() + b"\n"
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


def _label(thing: dict[str, Any], key: str) -> Any:
    return (thing["metadata"].get("labels") or {}).get(key)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Server, Path]]:
    """A cluster, and the kubeconfig to reach it by."""
    cluster = Server()
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "lab"}}],
                "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                "users": [{"name": "me", "user": {"token": "secret"}}],
            }
        )
    )
    try:
        yield cluster, kubeconfig
    finally:
        for name in list(cluster.jobs):
            cluster.delete(name)
        server.shutdown()
        server.server_close()
