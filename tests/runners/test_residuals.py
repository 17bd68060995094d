import hashlib
import zipfile

import pytest

from runners import residuals
from runners.errors import MavenError

CODE = b"head" + residuals._NUMBERED + b"tail"


@pytest.fixture
def jars(tmp_path, monkeypatch):
    """A class path with a class that stands for the published one."""
    monkeypatch.setattr(residuals, "_SHA256", hashlib.sha256(CODE).hexdigest())
    jars = [tmp_path / "first.jar", tmp_path / residuals._JAR]
    with zipfile.ZipFile(jars[1], "w") as jar:
        jar.writestr(residuals._CLASS, CODE)
        jar.writestr("other.class", b"x")
    return jars


def test_the_mended_class_comes_before_all_others(jars, tmp_path):
    first, *rest = residuals.mended(jars, tmp_path / "cache")
    assert rest == jars
    with zipfile.ZipFile(first) as jar:
        assert jar.namelist() == [residuals._CLASS]
        code = jar.read(residuals._CLASS)
    # Code keeps its length, so all jumps in it stay right.
    assert len(code) == len(CODE)
    assert code == b"head" + residuals._CONSTANT + b"tail"


def test_it_is_made_once_and_always_the_same(jars, tmp_path):
    first = residuals.mended(jars, tmp_path / "cache")[0]
    born, content = first.stat().st_mtime_ns, first.read_bytes()
    assert residuals.mended(jars, tmp_path / "cache")[0].stat().st_mtime_ns == born
    assert residuals.mended(jars, tmp_path / "other")[0].read_bytes() == content


def test_another_class_of_that_name_is_not_touched(jars, tmp_path):
    with zipfile.ZipFile(jars[1], "w") as jar:
        jar.writestr(residuals._CLASS, CODE + b"!")
    with pytest.raises(MavenError, match="is not the published one"):
        residuals.mended(jars, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
