from hypothesis import given
from hypothesis import strategies as st

from runners.flags import Flags, Setting

_NAMES = st.sampled_from(["runner", "streaming", "flink_master", "x"])
_VALUES = st.text(st.characters(codec="ascii", exclude_characters="- "), min_size=1, max_size=8)


def test_a_value_may_follow_an_equals_sign_or_be_the_next_word():
    flags = Flags(["--runner=flink", "--parallelism", "2", "--streaming", "--x=a=b"])

    assert flags.get("runner") == "flink"
    assert flags.get("parallelism") == "2"
    assert flags.get("streaming") == ""
    assert flags.get("x") == "a=b"
    assert flags.get("absent") is None
    assert "streaming" in flags
    assert "absent" not in flags


def test_the_last_of_a_repeated_flag_counts_and_all_are_kept_in_order():
    flags = Flags(["--e=1", "--e", "2", "--e=3"])

    assert flags.get("e") == "3"
    assert flags.all("e") == ["1", "2", "3"]


def test_a_flag_is_dropped_with_its_value():
    flags = Flags(["--a", "1", "--runner", "flink", "positional", "--runner=spark", "--b"])

    assert flags.without("runner") == ["--a", "1", "positional", "--b"]


@given(st.lists(st.tuples(_NAMES, _VALUES)))
def test_both_spellings_read_the_same(pairs):
    joined = Flags([f"--{name}={value}" for name, value in pairs])
    apart = Flags([word for name, value in pairs for word in (f"--{name}", value)])

    for name in dict(pairs):
        assert joined.all(name) == apart.all(name)
        assert apart.without(name) == [
            word for n, v in pairs if n != name for word in (f"--{n}", v)
        ]


def test_a_setting_without_a_value_is_a_switch():
    assert str(Setting("streaming")) == "--streaming"
    assert str(Setting("runner", "FlinkRunner")) == "--runner=FlinkRunner"
