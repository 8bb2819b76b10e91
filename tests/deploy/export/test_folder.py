"""Writing over: an earlier export is replaced as a whole, and nobody else's file is lost."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tinynas.deploy.export import check_target, write_folder
from tinynas.errors import ConfigError, HostError

FILES = {"a.txt": b"one", "src/b.c": b"two"}


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_folder_holds_the_files_and_their_manifest(tmp_path):
    written = write_folder(tmp_path / "x/out", FILES)
    assert {str(p.relative_to(tmp_path / "x/out")) for p in written} == {"a.txt", "src/b.c", "manifest.json"}
    assert tree(tmp_path / "x/out").items() >= FILES.items()
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["out"]


def test_an_earlier_export_is_replaced_with_all_its_files(tmp_path):
    write_folder(tmp_path / "out", FILES)
    write_folder(tmp_path / "out", {"c.txt": b"three"})
    assert set(tree(tmp_path / "out")) == {"c.txt", "manifest.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "empty", FILES)


def test_what_somebody_else_wrote_is_kept(tmp_path):
    out = tmp_path / "out"

    def refused(match):
        before = tree(out) if out.is_dir() else None
        with pytest.raises(ConfigError, match=match):
            write_folder(out, FILES)
        assert before is None or tree(out) == before

    write_folder(out, FILES)
    (out / "a.txt").write_bytes(b"mine")
    refused("was changed or added")
    (out / "a.txt").write_bytes(b"one")
    (out / "src/notes.md").write_bytes(b"mine")
    refused("was changed or added")
    (out / "src/notes.md").unlink()
    for manifest in ("", "[]", '{"files": 3}', '{"files": {}}'):
        (out / "manifest.json").write_text(manifest)
        refused("was changed or added" if manifest.endswith("{}}") else "was not exported")
    other = tmp_path / "link"
    other.symlink_to(out)
    for target in (other, out / "a.txt"):
        with pytest.raises(ConfigError, match="is not a folder"):
            check_target(target)


@pytest.mark.parametrize("at", ["open", "replace"])
def test_a_full_disk_leaves_the_earlier_export(at, tmp_path, monkeypatch):
    write_folder(tmp_path / "out", FILES)
    before = tree(tmp_path / "out")
    real, calls = getattr(Path, at), []

    def fail(self, *arguments, **options):
        calls.append(self)
        if ".part" in str(self) and (at == "open" or len(calls) == 2):
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, at, fail)
    with pytest.raises(HostError, match="full"):
        write_folder(tmp_path / "out", {"c.txt": b"three"})
    monkeypatch.undo()
    assert tree(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
