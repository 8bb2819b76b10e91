"""The manifests in docs/kubernetes are what the official client takes for such objects, key by key."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

client = pytest.importorskip("kubernetes.client")

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "kubernetes"
DOCUMENTS = [
    (path.name, document) for path in sorted(FOLDER.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())
]
MODELS = {
    "Deployment": "V1Deployment",
    "NetworkPolicy": "V1NetworkPolicy",
    "Role": "V1Role",
    "RoleBinding": "V1RoleBinding",
    "Service": "V1Service",
    "ServiceAccount": "V1ServiceAccount",
}


def read(document):
    """The document as the client has it; what its models do not know is lost, and values are checked."""
    api = client.ApiClient()
    data = SimpleNamespace(data=json.dumps(document))
    try:
        return api.sanitize_for_serialization(api.deserialize(data, MODELS[document["kind"]]))
    except TypeError:  # since release 36 it takes text and its type
        text = json.dumps(document)
        return api.sanitize_for_serialization(api.deserialize(text, MODELS[document["kind"]], "application/json"))


@pytest.mark.parametrize(
    ("file", "document"), DOCUMENTS, ids=lambda value: value if isinstance(value, str) else value["kind"]
)
def test_the_client_s_models_know_every_key(file, document):
    assert read(document) == document


def test_a_key_that_nobody_knows_is_noticed():
    [service, *_] = [document for _, document in DOCUMENTS if document["kind"] == "Service"]
    wrong = json.loads(json.dumps(service))
    wrong["spec"]["selectors"] = {}
    assert read(wrong) != wrong


def test_names_and_labels_belong_together():
    deployments = [document for _, document in DOCUMENTS if document["kind"] == "Deployment"]
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in deployments]
    assert [one["spec"]["selector"]["matchLabels"] for one in deployments] == labels
    services = {d["metadata"]["name"]: d["spec"]["selector"] for _, d in DOCUMENTS if d["kind"] == "Service"}
    assert all(selector in labels for selector in services.values())
    hosts = [w for one in deployments for w in one["spec"]["template"]["spec"]["containers"][0]["command"] if "//" in w]
    assert {host.split("//")[1].split(":")[0] for host in hosts} == set(services)
