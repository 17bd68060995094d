"""``python -m beam_pipelines.canary`` on a lake in memory."""

import base64
import io
import json
from dataclasses import replace

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_pipelines.canary import cli
from tests.beam_pipelines.canary.canaries import ALL, MAIL, NAME, SSN, canary
from tests.fakes.lake import KEY, FakeLake, segment
from tests.fakes.object_store import Fault
from transforms.segment import Segment

MALFORMED = canary(5, "Zqvcanary-0005", field="(malformed)")
IN_KEY = canary(6, "Zqvcanary-0006", field="(malformed)")
CANARIES = (*ALL, MALFORMED, IN_KEY)


def with_message(made: Segment, offset: int, column: str, value: bytes) -> Segment:
    at = made.messages.schema.get_field_index(column)
    values = made.messages.column(column).to_pylist()
    values[made.messages.column("offset").to_pylist().index(offset)] = value
    field = made.messages.schema.field(column)
    return replace(made, messages=made.messages.set_column(at, field, pa.array(values, field.type)))


@pytest.fixture
def lake(monkeypatch, tmp_path) -> FakeLake:
    made = FakeLake()
    dead = with_message(segment(0, 20, dead=[5, 6]), 5, "value", b"\x00" + MALFORMED.text.encode())
    made.write(with_message(dead, 6, "key", IN_KEY.text.encode()), segment(20, 30))
    monkeypatch.setattr(cli, "ObjectStore", lambda root, settings: made.store)
    monkeypatch.delenv("DEAD_LETTER_KEY", raising=False)
    (tmp_path / "manifest.json").write_bytes(
        orjson.dumps({"canaries": [vars(each) for each in CANARIES]})
    )
    return made


@pytest.fixture
def run(capsys, tmp_path):
    def run_it(*argv: str, lake_root: str | None = "s3://bucket/lake") -> tuple[int, str, str]:
        place = ["--lake_root", lake_root] if lake_root else []
        code = cli.main(["--manifest", str(tmp_path / "manifest.json"), *place, *argv])
        captured = capsys.readouterr()
        assert not any(c.text in captured.out + captured.err for c in CANARIES)
        return code, captured.out, captured.err

    return run_it


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


class TestClean:
    def test_a_lake_without_canaries_gives_0_and_says_what_was_searched(self, lake, run):
        code, out, _ = run()
        assert code == 0
        for words in ("data file", "small tables", "commit", "No canary where none may be", "6"):
            assert words in out
        assert "stay closed" in out

    def test_sealed_letters_are_no_leak_and_hold_what_they_must(self, lake, run, monkeypatch):
        monkeypatch.setenv("SOME_KEY", KEY)
        code, out, _ = run("--key", "env:SOME_KEY")
        assert code == 0
        assert "2 of 2 canaries of malformed messages" in out

    def test_json_tells_the_same(self, lake, run, monkeypatch):
        monkeypatch.setenv("DEAD_LETTER_KEY", KEY)
        code, out, _ = run("--format", "json")
        found = json.loads(out)
        assert code == 0
        assert (found["clean"], found["leaks"], found["missing"]) == (True, [], [])
        assert (found["canaries"], found["arrived"], found["sealed"]) == (6, 6, 2)
        assert found["searched"]["data file"]["names"] == 3


class TestLeaks:
    def leaks(self, run, *argv: str, **where) -> list[dict]:
        code, out, _ = run("--format", "json", *argv, **where)
        assert code == 1
        return json.loads(out)["leaks"]

    def test_a_column_of_a_file_that_no_commit_names_is_searched(self, lake, run):
        table = pa.table({"ok": ["x"], "who": pa.array([SSN.text]).dictionary_encode()})
        lake.store.plant("data/patient_update/event_date=2026-01-31/x.parquet", parquet(table))
        found = self.leaks(run)
        assert {leak["canary"] for leak in found} == {SSN.number}
        assert {leak["part"] for leak in found} >= {"who"}
        assert found[0]["field"] == "patient_update.ssn"

    def test_a_kept_field_is_named_apart_and_is_no_leak(self, lake, run):
        table = pa.table({"last_name": [NAME.text]})
        lake.store.plant("data/patient_update/x.parquet", parquet(table))
        code, out, _ = run()
        assert code == 0
        assert "Kept by policy ops" in out
        assert "patient_update.last_name" in out

    def test_a_lake_is_judged_by_another_policy_on_request(self, lake, run):
        table = pa.table({"last_name": [NAME.text]})
        lake.store.plant("data/patient_update/x.parquet", parquet(table))
        found = self.leaks(run, "--policy", "pseudonymised")
        assert {leak["field"] for leak in found} == {"patient_update.last_name"}

    def test_a_kept_field_in_another_disguise_is_a_leak(self, lake, run):
        table = pa.table({"last_name": [base64.b64encode(NAME.text.encode()).decode()]})
        lake.store.plant("data/patient_update/x.parquet", parquet(table))
        assert {leak["encoding"] for leak in self.leaks(run)} == {"base64"}

    @pytest.mark.parametrize(
        ("key", "kind"),
        [("_runs/run.json", "run report"), ("stray", "other object"), ("data/x/y", "other object")],
    )
    def test_objects_of_any_kind_are_searched(self, lake, run, key, kind):
        lake.store.plant(key, b"mailto:" + MAIL.text.encode())
        (leak,) = self.leaks(run)
        assert (leak["kind"], leak["name"], leak["canary"]) == (kind, key, MAIL.number)

    def test_a_key_is_searched_but_not_shown(self, lake, run):
        lake.store.plant(f"data/{NAME.text.lower()}/file", b"")
        (leak,) = self.leaks(run)
        assert leak["kind"] == "object key"
        assert "not shown" in leak["name"]

    def test_a_dead_letter_in_clear_is_a_leak(self, lake, run):
        sink = io.BytesIO()
        letters = pa.table({"sealed": [MALFORMED.text.encode()]})
        with pa.ipc.new_stream(sink, letters.schema) as writer:
            writer.write_table(letters)
        packed = pa.table({"table": ["dead_letters"], "rows": [sink.getvalue()]})
        lake.store.plant("data/_sidecar/x.parquet", parquet(packed))
        assert "dead_letters.sealed" in {leak["part"] for leak in self.leaks(run)}

    def test_files_are_searched_without_a_lake(self, lake, run, tmp_path):
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "a.log").write_text(f"no such patient: {NAME.text.upper()}")
        (leak,) = self.leaks(run, "--paths", str(tmp_path / "logs"), lake_root=None)
        assert (leak["kind"], leak["canary"]) == ("file", NAME.number)

    def test_many_leaks_are_cut_short_in_text(self, lake, run):
        for number in range(30):
            lake.store.plant(f"stray/{number}", NAME.text.encode())
        code, out, _ = run()
        assert code == 1
        assert "and 10 more" in out
        assert "LEAKED: 1 canaries" in out


class TestMissing:
    def test_a_canary_that_no_letter_holds_gives_1(self, lake, run, monkeypatch, tmp_path):
        monkeypatch.setenv("DEAD_LETTER_KEY", KEY)
        lost = canary(7, "Zqvcanary-0007", field="(malformed)")
        listed = [vars(each) for each in (*CANARIES, lost)]
        (tmp_path / "manifest.json").write_bytes(orjson.dumps({"canaries": listed}))
        code, out, _ = run("--format", "json")
        assert code == 1
        assert json.loads(out)["missing"] == [7]
        assert "MISSING" in run()[1]


class TestRefused:
    def test_a_lake_that_has_none_of_the_messages_proves_nothing(self, lake, run, tmp_path):
        later = [vars(replace(each, offset=1_000)) for each in ALL]
        (tmp_path / "manifest.json").write_bytes(orjson.dumps({"canaries": later}))
        code, out, err = run()
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "proves nothing" in err

    def test_nothing_to_search_is_refused(self, lake, run):
        code, _, err = run(lake_root=None)
        assert (code, err.count("\n")) == (2, 1)

    def test_an_outage_in_the_middle_proves_nothing(self, lake, run):
        lake.store.fail(Fault.LOST_REQUEST, "get_object", key="data/", times=10_000)
        code, out, err = run()
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "broke off" in err

    def test_a_damaged_object_is_refused_by_its_key(self, lake, run):
        lake.store.plant("data/x/y.parquet", b"PAR1 not really")
        code, _, err = run()
        assert code == 2
        assert "data/x/y.parquet is damaged" in err

    def test_a_key_that_is_named_must_be_there(self, lake, run):
        code, _, err = run("--key", "env:NO_SUCH_KEY")
        assert (code, err.count("\n")) == (2, 1)

    @pytest.mark.parametrize(
        "argv", [["--no_such"], ["--policy", "none"], ["--policy_keeps", "patient_update.nam"]]
    )
    def test_wrong_flags_are_refused_in_one_line(self, lake, run, argv):
        code, _, err = run(*argv)
        assert (code, err.count("\n")) == (2, 1)
