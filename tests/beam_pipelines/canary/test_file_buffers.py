import gzip
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.canary import file_buffers as module
from beam_pipelines.canary.file_buffers import file_buffers
from transforms.errors import ConfigurationError


def contents(*paths, besides=None) -> dict[tuple[str, str], bytes]:
    found: dict[tuple[str, str], bytes] = {}
    for buffer in file_buffers(paths, besides or paths[0] / "manifest"):
        if buffer.place.kind == "file":
            place = buffer.place.name.rsplit("/", 1)[-1], buffer.place.part
            found[place] = found.get(place, b"") + buffer.data
    return found


def packed(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return sink.getvalue()


def test_folders_are_searched_to_the_bottom(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "log").write_bytes(b"deep")
    assert contents(tmp_path) == {("log", ""): b"deep"}


def test_what_is_packed_is_unpacked(tmp_path):
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"text in gzip"))
    (tmp_path / "wheel").write_bytes(packed("inner.gz", gzip.compress(b"text in both")))
    found = contents(tmp_path)
    assert found["log.gz", "(gzip)"] == b"text in gzip"
    assert found["wheel", "inner.gz(gzip)"] == b"text in both"


def test_columns_of_parquet_files_are_decoded(tmp_path):
    pq.write_table(pa.table({"name": ["x", "y"]}), tmp_path / "t.parquet", compression="zstd")
    assert contents(tmp_path)["t.parquet", ":name"] == b"x\ny"


def test_names_of_files_and_members_are_searched(tmp_path):
    (tmp_path / "secret.zip").write_bytes(packed("member", b""))
    buffers = list(file_buffers([tmp_path], tmp_path / "manifest"))
    assert any(b"secret.zip" in b.data for b in buffers if b.place.kind == "file name")
    assert any(b.data == b"member" for b in buffers if b.place.part == "member")


def test_the_manifest_itself_is_left_out(tmp_path):
    (tmp_path / "manifest").write_bytes(b"all canaries")
    (tmp_path / "log").write_bytes(b"a line")
    assert contents(tmp_path) == {("log", ""): b"a line"}


def test_windows_overlap_so_that_nothing_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WINDOW", 10)
    monkeypatch.setattr(module, "_OVERLAP", 6)
    (tmp_path / "log").write_bytes(b"0123456789abcdefghijklmnop")
    buffers = [b.data for b in file_buffers([tmp_path], tmp_path) if b.place.kind == "file"]
    assert any(b"789abc" in data for data in buffers)
    assert any(b"hijklm" in data for data in buffers)


@pytest.mark.parametrize("body", [b"\x1f\x8b broken", b"PK\x03\x04 broken", b"PAR1 broken"])
def test_what_can_not_be_read_is_refused_and_not_passed_over(tmp_path, body):
    (tmp_path / "file").write_bytes(body)
    with pytest.raises(ConfigurationError, match="so it can't be searched"):
        list(file_buffers([tmp_path], tmp_path))


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no file and no folder"):
        list(file_buffers([tmp_path / "none"], tmp_path))
