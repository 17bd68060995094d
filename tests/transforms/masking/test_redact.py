import pyarrow as pa
import pytest

from transforms.masking.actions import Action, masked_type
from transforms.masking.redact import redact


class TestRedact:
    def test_text_becomes_one_text_and_null_stays(self):
        assert redact(pa.array(["a", None, ""])).to_pylist() == ["[redacted]", None, "[redacted]"]

    @pytest.mark.parametrize(
        "column",
        [pa.array([1, 2]), pa.array([["a"], []]), pa.array([{"a": "x"}, None])],
    )
    def test_anything_else_becomes_null_of_its_type(self, column):
        assert redact(column) == pa.nulls(2, column.type)

    def test_the_type_is_the_one_that_was_announced(self):
        for column in (pa.array(["a"]), pa.array([1]), pa.array(["a"]).dictionary_encode()):
            assert redact(column).type == masked_type(Action.REDACT, column.type)
