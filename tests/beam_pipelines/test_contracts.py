import json
import subprocess
import sys

import pytest

from beam_pipelines.contracts.cli import main
from schemas.catalog import packaged_dataset, packaged_datasets
from schemas.registries import open_registry
from tests.registry.fake import running

SUBJECT = "pharmacy.dispense-value"


@pytest.fixture
def folder(tmp_path, capsys) -> str:
    """A file registry that holds the packaged schemas."""
    url = f"file:{tmp_path}"
    assert main(["register", "--registry", url]) == 0
    capsys.readouterr()
    return url


def edit(folder: str, change) -> None:
    """Changes the newest registered dispense_event schema in place."""
    path = f"{folder.removeprefix('file:')}/{SUBJECT}/v3.avsc"
    with open(path) as file:
        schema = json.load(file)
    change({field["name"]: field for field in schema["fields"]}, schema)
    with open(path, "w") as file:
        json.dump(schema, file)


class TestCheck:
    def test_what_was_just_registered_is_compatible(self, folder, capsys):
        assert main(["check", "--registry", folder]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"compatible    dispense_event: 3 versions of {SUBJECT}"
        assert lines[-1] == "6 datasets at level BACKWARD: none incompatible"

    def test_a_registered_change_that_readers_cannot_follow_is_named(self, folder, capsys):
        def narrow(fields, _):
            fields["days_supply"]["type"] = "string"

        edit(folder, narrow)
        assert main(["check", "--registry", folder]) == 1
        out = capsys.readouterr().out
        assert (
            "dispense_event version 2 against pharmacy.dispense-value version 3: rule type" in out
        )
        assert (
            "field days_supply: the packaged int can't hold the registered version's string" in out
        )
        assert "keep the type" in out

    def test_a_required_field_that_producers_dropped_is_named_with_the_remedy(self, folder, capsys):
        edit(folder, lambda fields, schema: schema["fields"].remove(fields["ndc"]))
        assert main(["check", "--registry", folder, "--format", "json"]) == 1
        document = json.loads(capsys.readouterr().out)
        assert document["compatible"] is False
        finding = document["datasets"][0]["findings"][-1]
        assert (finding["field"], finding["rule"]) == ("ndc", "missing_default")
        assert (finding["packaged_version"], finding["registered_version"]) == (2, 3)
        assert "give it a default" in finding["message"]

    def test_a_finding_is_told_once_where_the_newest_version_is_the_reader(self, tmp_path, capsys):
        dataset = packaged_dataset("drug_ref")
        schema = dataset.reader.json
        schema["fields"] = [f for f in schema["fields"] if f["name"] != "labeler"]
        registry = open_registry(f"file:{tmp_path}")
        registry.register("pharmacy.ref.drugs-value", type(dataset.reader).parse(schema))
        assert main(["check", "--registry", f"file:{tmp_path}"]) == 1
        assert capsys.readouterr().out.count("incompatible  ") == 1

    @pytest.mark.parametrize(
        ("level", "code"),
        [
            ("NONE", 0),
            ("FULL", 0),
            ("FORWARD", 0),
            ("FORWARD_TRANSITIVE", 1),
            ("FULL_TRANSITIVE", 1),
        ],
    )
    def test_the_level_decides(self, folder, capsys, level, code):
        assert main(["check", "--registry", folder, "--level", level]) == code
        assert ("field source_seq" in capsys.readouterr().out) == bool(code)

    def test_subjects_that_are_not_registered_yet_are_new(self, tmp_path, capsys):
        dataset = packaged_dataset("drug_ref")
        registry = open_registry(f"file:{tmp_path}")
        registry.register("pharmacy.ref.drugs-value", dataset.reader)
        assert main(["check", "--registry", f"file:{tmp_path}"]) == 0
        out = capsys.readouterr().out
        assert out.count("isn't registered yet") == len(packaged_datasets()) - 1

    def test_subjects_may_be_named_otherwise(self, tmp_path, capsys):
        flags = ["--registry", f"file:{tmp_path}", "--subject_pattern", "{fullname}"]
        assert main(["register", *flags]) == 0
        assert main(["check", *flags]) == 0
        assert "3 versions of io.pharmabeam.events.v1.DispenseEvent" in capsys.readouterr().out


class TestRegister:
    def test_registering_again_changes_nothing(self, folder, capsys):
        assert main(["register", "--registry", folder]) == 0
        again = capsys.readouterr().out.splitlines()
        assert again[2] == f"dispense_event version 3: {SUBJECT}, id 3"
        assert [len(open_registry(folder).versions(SUBJECT))] == [3]

    def test_a_fresh_registry_gives_the_packaged_ids(self, folder):
        packaged, registered = open_registry("package:"), open_registry(folder)
        for subject in packaged.subjects():
            assert registered.versions(subject) == packaged.versions(subject)

    def test_it_registers_over_http_with_a_secret_by_reference(self, monkeypatch, capsys):
        monkeypatch.setenv("REGISTRY_LOGIN", "ann:s3cret")
        login = ["--registry_setting", "basic.auth.user.info=env:REGISTRY_LOGIN"]
        with running(credentials="ann:s3cret") as fake:
            flags = ["--registry", fake.url, *login, "--registry_setting", "max.retries=0"]
            assert main(["register", *flags]) == 0
            assert main(["check", *flags]) == 0
            assert fake.subjects[SUBJECT] == [1, 2, 3]
        assert "s3cret" not in capsys.readouterr().out


class TestList:
    def test_it_lists_the_packaged_schemas(self, capsys):
        assert main(["list"]) == 0
        first = capsys.readouterr().out.splitlines()[0]
        assert (
            first == f"{SUBJECT} version 1: id 1, io.pharmabeam.events.v1.DispenseEvent, 46 fields"
        )

    def test_json_names_the_fingerprints(self, capsys):
        assert main(["list", "--format", "json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        fingerprint = packaged_dataset("dispense_event").schema(1).fingerprint
        assert rows[0]["fingerprint"] == f"{fingerprint:016x}"


class TestBadInput:
    @pytest.mark.parametrize(
        ("argv", "words"),
        [
            ([], "required"),
            (["look"], "invalid choice"),
            (["check"], "--registry"),
            (["check", "--registry", "package:", "--unknown"], "--unknown"),
            (["check", "--registry", "package:", "--level", "SOME"], "SOME"),
            (["check", "--registry", "package:", "--lev", "FULL"], "--lev"),
            (["check", "--registry", "package:", "--subject_pattern", "all"], "placeholder"),
            (["check", "--registry", "package:", "--subject_pattern", "{"], "placeholder"),
            (["check", "--registry", "package:", "--subject_pattern", "{topic!r}"], "placeholder"),
            (["check", "--registry", "package:", "--subject_pattern", "{0}"], "placeholder"),
            (["check", "--registry", "package:", "--subject_pattern", "{topic}"], "no subject"),
            (["check", "--registry", "ftp://host"], "no known form"),
            (["check", "--registry", "file:nowhere"], "contracts register"),
            (["check", "--registry", "http://127.0.0.1:1"], "unavailable"),
            (["check", "--registry", "http://["], "registry"),
            (["register", "--registry", "package:"], "read-only"),
            (["register", "--registry", "file:/dev/null/x"], "registry"),
            (["list", "--registry_setting", "x"], "KEY=VALUE"),
            (["list", "--registry_setting", "sasl.password=hunter2"], "reference"),
            (["list", "--registry_setting", "x=env:NO_SUCH_NAME"], "NO_SUCH_NAME"),
        ],
    )
    def test_it_is_one_line_with_exit_code_two(self, capsys, argv, words):
        assert main(argv) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
        assert words in captured.err
        assert "hunter2" not in captured.err

    def test_a_schema_that_does_not_parse_is_one_line(self, folder, capsys):
        edit(folder, lambda _, schema: schema.update(type="recrod"))
        assert main(["check", "--registry", folder]) == 2
        assert capsys.readouterr().err.count("\n") == 1

    def test_a_registry_that_fails_is_one_line(self, capsys):
        with running() as fake:
            for fault in ({"status": 500}, {"status": 401}, {"body": b"<html>"}, {"down": True}):
                vars(fake.faults).update(fault)
                flags = ["--registry_setting", "max.retries=0"]
                assert main(["check", "--registry", fake.url, *flags]) == 2
                assert capsys.readouterr().err.count("\n") == 1

    def test_the_module_runs_without_loading_beam(self):
        code = (
            "import sys; from beam_pipelines.contracts.cli import main; main(['list']); "
            "sys.exit('apache_beam' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
