import pyarrow as pa
import pyarrow.compute as pc

from transforms.masking.distinct import by_distinct


class TestByDistinct:
    def test_each_distinct_text_is_worked_on_once(self):
        seen = []
        by_distinct(pa.array(["a", "b", "a"]), lambda d: seen.append(d.to_pylist()) or d)
        assert seen == [["a", "b"]]

    def test_texts_that_become_one_share_a_place(self):
        masked = by_distinct(pa.array(["a", "A", None, "b"]), pc.utf8_upper)
        assert masked.to_pylist() == ["A", "A", None, "B"]
        assert masked.dictionary.to_pylist() == ["A", "B"]

    def test_dictionaries_slices_and_integers_come_in_too(self):
        encoded = pa.array(["x", "a", None, "a"]).dictionary_encode().slice(1)
        assert by_distinct(encoded, pc.utf8_upper).to_pylist() == ["A", None, "A"]
        assert by_distinct(pa.array([7, None]), lambda d: d).to_pylist() == ["7", None]

    def test_nothing_stays_nothing(self):
        assert by_distinct(pa.array([], pa.string()), pc.utf8_upper).to_pylist() == []
        assert by_distinct(pa.nulls(2, pa.string()), pc.utf8_upper).to_pylist() == [None, None]
