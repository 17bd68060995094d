"""Lines of values in YAML."""

import pytest

from transforms.quality.marked_yaml import MarkedYamlError, parse_marked

TEXT = """\
# a comment
rules:
  - id: A
    expect: |
      1 = 1
      AND 2 = 2
  - id: B
    check: {f: x}
"""


def test_values_are_plain():
    assert parse_marked("a: 2026-01-31\nb: [1, x]").value["b"] == [1, "x"]
    assert parse_marked("").value is None


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("rules",), 2),
        (("rules", 0), 3),
        (("rules", 0, "expect"), 4),
        (("rules", 1, "id"), 7),
        (("rules", 1, "check", "f"), 8),
        (("rules", 1, "missing"), 7),
        (("rules", 9), 2),
        (("missing", 0), 1),
    ],
)
def test_each_value_has_the_line_of_its_key_or_of_the_nearest_above(path, line):
    assert parse_marked(TEXT).line(path) == line


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' stands twice"),
        ("a:\n  - {b: 1, b: 2}", 2, "'b' stands twice"),
        ("a: [1", 1, "expected"),
        ("a: b: c", 1, "not allowed"),
        ("--- 1\n--- 2", 2, "another document"),
        ("a: !!python/object:os.system x", 1, "could not determine a constructor"),
        ("a: 2026-02-30", 1, "no YAML"),
        ("a: \x00", 1, "no YAML"),
    ],
)
def test_what_is_no_yaml_or_says_a_thing_twice_is_refused_with_its_line(text, line, reason):
    with pytest.raises(MarkedYamlError) as caught:
        parse_marked(text)
    assert caught.value.line == line
    assert reason in str(caught.value)
