import pytest

from runners.flink._cli import main
from tests.fakes.flink import FakeJob, checkpoint


@pytest.fixture
def run(fake, capsys):
    """Runs a command; returns its exit code and what it said."""

    def call(command, *words):
        code = main([command, f"--flink_master={fake.address}", *words])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_status_lists_the_jobs_with_their_last_checkpoints(run, fake):
    fake.jobs = [FakeJob("a", "x", checkpoint=checkpoint("file:/c")), FakeJob("b", "y", "FAILED")]
    code, said = run("status")
    assert code == 0
    assert "Flink 1.19.3, 2 TaskManagers, 2 slots" in said
    assert "s ago, took 0.1 s, 2.0 MB" in said
    assert "b  y  FAILED\n" in said


def test_savepoint_prints_the_path_alone(run, fake):
    fake.jobs = [FakeJob("a", "pharmabeam")]
    assert run("savepoint") == (0, "file:/savepoint-a\n")


def test_stop_says_how_the_stream_can_go_on(run, fake):
    fake.jobs = [FakeJob("a", "x")]
    code, said = run("stop", "--job_name=x")
    assert code == 0
    assert "x is FINISHED\nIt can go on with --savepoint_path=file:/savepoint-a\n" in said


def test_stop_tells_why_there_is_no_savepoint(run, fake):
    fake.jobs = [FakeJob("a", "x", refuses_savepoints=True)]
    code, said = run("stop", "--job_name=x")
    assert code == 0
    assert "canceled, since there is no savepoint: no savepoint of job a" in said


@pytest.mark.parametrize("command", ["stop", "savepoint"])
def test_a_job_that_does_not_run_is_1(run, command):
    code, said = run(command, "--job_name=x")
    assert (code, said) == (1, "runners.flink: no job named x runs there: see status\n")


def test_a_cluster_that_gives_no_answer_is_1(capsys):
    assert main(["status", "--flink_master=127.0.0.1:1"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("runners.flink: Flink at http://127.0.0.1:1")


@pytest.mark.parametrize("words", [[], ["status"], ["stop", "--flink_master=h", "--frob"]])
def test_bad_input_is_one_line_and_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
