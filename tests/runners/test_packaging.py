import pickle
import subprocess
import zipfile
from pathlib import Path

import pytest

from runners import packaging
from runners.errors import PackagingError

PROJECT = Path(packaging.__file__).parents[1]

# Read where jobs are submitted.
DATA = ("runners/flink/conf/config.yaml", "runners/jars/flink-1.19.txt")


class TestOwners:
    def test_this_environment_holds_no_second_owner(self):
        packaging.check_owners()

    def test_a_second_owner_is_named_with_the_remedy(self):
        owners = {"transforms": ["pharmabeam", "transforms"], "schemas": ["pharmabeam"]}

        with pytest.raises(
            PackagingError, match=r"package transforms: .* uninstall transforms"
        ) as e:
            packaging.check_owners(owners)
        assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)

    def test_a_checkout_that_is_not_installed_has_no_owner_at_all(self):
        packaging.check_owners({})


class TestWheel:
    def test_it_holds_the_four_packages_without_the_local_services(self, tmp_path):
        wheel = packaging.build_wheel(_copied(tmp_path / "project"), tmp_path / "wheels")

        names = set(zipfile.ZipFile(wheel).namelist())
        assert {"runners/__init__.py", "schemas/__init__.py", "transforms/__init__.py"} <= names
        assert set(DATA) <= names
        assert not [name for name in names if name.startswith(("tests/", "runners/local/"))]

    def test_a_failing_build_says_why_on_one_line(self, tmp_path, monkeypatch):
        def fail(command, **rest):
            raise subprocess.CalledProcessError(
                1, command, output="", stderr="a\nERROR b:\n\tthe reason\n\n"
            )

        monkeypatch.setattr(packaging.subprocess, "run", fail)
        with pytest.raises(PackagingError, match="the workers' wheel: b: the reason: install"):
            packaging.build_wheel(tmp_path, tmp_path)

    def test_a_folder_with_another_wheel_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(packaging.subprocess, "run", lambda command, **rest: None)
        (tmp_path / "pharmabeam-1-py3-none-any.whl").touch()
        (tmp_path / "pharmabeam-2-py3-none-any.whl").touch()

        with pytest.raises(PackagingError, match="empty it first"):
            packaging.build_wheel(tmp_path, tmp_path)


def _copied(into: Path) -> Path:
    """Copies what a build reads: setuptools leaves its traces in the folder that it builds."""
    into.mkdir()
    for name in ("setup.py", "pyproject.toml"):
        (into / name).write_bytes((PROJECT / name).read_bytes())
    for package in ("runners", "runners/local", "schemas", "transforms", "beam_pipelines", "tests"):
        (into / package).mkdir()
        (into / package / "__init__.py").touch()
    for name in DATA:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes((PROJECT / name).read_bytes())
    return into
