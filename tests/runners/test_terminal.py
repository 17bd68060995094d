import pytest

from runners.terminal import Parser


@pytest.mark.parametrize(
    "words", [["--frob"], ["go", "--frob"], ["go", "--spe=1"], ["go", "--speed"]]
)
def test_bad_input_is_one_line_in_the_command_s_name_and_exit_code_2(words, capsys):
    parser = Parser(prog="python -m some.where")
    parser.add_subparsers().add_parser("go").add_argument("--speed")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("some.where: ")
    assert line.endswith(" (see --help)")
