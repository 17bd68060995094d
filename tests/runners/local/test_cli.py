import signal

import pytest

from runners.local import _cli
from runners.local._cli import main
from runners.local._services import Services


def complaint(capsys):
    """Returns what was said on standard error, which must be one line."""
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize(
    "words", [[], ["frob"], ["up", "--state_di", "x"], ["up", "extra"], ["up", "--purge"]]
)
def test_bad_input_is_one_line_and_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "see --help" in complaint(capsys)


def test_a_state_folder_that_cannot_be_used_is_bad_input(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["up", "--state_dir", str(tmp_path / "file")]) == 2
    assert "give another one as --state_dir" in complaint(capsys)


def test_a_damaged_record_is_bad_input_for_every_command(tmp_path, capsys):
    (tmp_path / "state.json").write_text("junk")
    for command in ("up", "status", "down"):
        assert main([command, "--state_dir", str(tmp_path)]) == 2
        assert "state.json: not readable" in complaint(capsys)


def test_down_where_nothing_ever_ran_succeeds_and_makes_nothing(tmp_path, capsys):
    assert main(["down", "--state_dir", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out == "nothing to stop\n"
    assert not (tmp_path / "none").exists()


def test_status_where_nothing_ever_ran_is_1(tmp_path, capsys):
    assert main(["status", "--state_dir", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().out == (
        "s3       not running\nkafka    not running\nredshift not running\n"
    )


def test_an_interrupt_is_one_line_and_handlers_are_put_back(tmp_path, capsys, monkeypatch):
    def interrupted(_: Services, names: tuple[str, ...]):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Services, "up", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["up", "--state_dir", str(tmp_path)]) == 130
    assert "interrupted" in complaint(capsys)
    assert signal.getsignal(signal.SIGTERM) == before
    assert _cli.__all__ == ["main"]
