from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.identifiers import Remembered


class TestRemembered:
    @settings(max_examples=50)
    @given(st.lists(st.text("abcdef", max_size=2)), st.integers(1, 5))
    def test_it_tells_what_the_function_tells_and_never_holds_more_than_two_generations(
        self, texts, generation
    ):
        remembered = Remembered(lambda asked: [text.upper() for text in asked], generation)
        for at in range(len(texts)):
            asked = texts[at : at + 3]
            assert remembered.of(asked) == [text.upper() for text in asked]
            assert len(remembered) <= 2 * generation

    def test_a_text_is_computed_once_while_it_is_in_use(self):
        seen = []
        remembered = Remembered(lambda asked: seen.extend(asked) or list(map(len, asked)), 2)
        for other in ("bb", "ccc", "dddd", "eeeee"):
            assert remembered.of(["a", other]) == [1, len(other)]
        assert seen.count("a") == 1

    def test_a_result_that_is_false_is_remembered_too(self):
        seen = []
        remembered = Remembered(lambda asked: seen.extend(asked) or [0] * len(asked))
        assert remembered.of(["a", "a"]) == [0, 0]
        assert seen == ["a"]
