"""The notebooks run from the first cell to the last, each in a kernel of its own."""

import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"


def run(name, monkeypatch, folder):
    """Cells that were run; the kernel is this Python, and sees this checkout."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    kernels = folder / "kernels" / "here"
    kernels.mkdir(parents=True)
    arguments = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (kernels / "kernel.json").write_text(f'{{"argv": {arguments}, "display_name": "here", "language": "python"}}')
    monkeypatch.setenv("JUPYTER_PATH", str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    book = nbformat.read(FOLDER / name, as_version=4)
    client = nbclient.NotebookClient(book, timeout=600, kernel_name="here", resources={"metadata": {"path": folder}})
    return [cell for cell in client.execute().cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


@pytest.mark.slow
def test_the_tuner_s(monkeypatch, tmp_path):
    cells = run("tuner.ipynb", monkeypatch, tmp_path)
    found = [
        float(line.split()[1]) for line in printed(cells[2]).splitlines() if line.startswith(("tinynas", "random"))
    ]
    assert len(found) == 2
    assert found[0] > 0.48  # scikit-learn's own values make 0.14
    assert found[0] > found[1] - 0.02


@pytest.mark.exhaustive
def test_the_search_s(monkeypatch, tmp_path):
    cells = run("search.ipynb", monkeypatch, tmp_path)
    assert "trial 3: done" in printed(cells[3])
    (shown,) = cells[4].outputs
    assert "<table>" in shown.data["text/html"]
    assert "4 done" in shown.data["text/html"]
    assert "as int8" in printed(cells[6])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.name)
def test_they_are_stored_without_outputs(path):
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in book.cells)
