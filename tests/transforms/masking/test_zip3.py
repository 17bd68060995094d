import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.masking.zip3 import domestic, zip3
from transforms.masking.zip3_table import ALLOWED

#: HHS's list (2000 census) and what the 2020 census adds.
HHS_2000 = {
    *("036", "059", "063", "102", "203", "556", "692", "790", "821", "823"),
    *("830", "831", "878", "879", "884", "890", "893"),
}
CENSUS_2020 = {"202", "204", "205", "369", "753", "772"}


class TestTable:
    def test_it_holds_the_counted_prefixes_but_the_small_ones(self):
        assert len(ALLOWED) == 894 - 23
        assert ALLOWED.isdisjoint(HHS_2000 | CENSUS_2020)

    @pytest.mark.parametrize("prefix", ["000", "090", "340", "962", "213", "771", "969"])
    def test_where_nobody_is_counted_nothing_is_told(self, prefix):
        assert prefix not in ALLOWED

    @pytest.mark.parametrize("prefix", ["006", "100", "606", "850", "941", "999"])
    def test_places_where_many_live_are_told(self, prefix):
        assert prefix in ALLOWED


class TestZip3:
    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("94110", "941"),
            ("94110-1234", "941"),
            ("941101234", "941"),
            (" 94110 ", "941"),
            ("03601", "000"),
            ("09012", "000"),
            ("", None),
            ("   ", None),
            (None, None),
            ("941", None),
            ("9411", None),
            ("SW1A 1AA", None),
            ("K1A 0B1", None),
            ("9411O", None),
            ("94110-12", None),
            ("94110\n94110", None),
            ("٩٤١١٠", None),
        ],
    )
    def test_a_code_is_cut_to_what_may_be_told(self, code, told):
        assert zip3(pa.array([code], pa.string())).to_pylist() == [told]

    @settings(max_examples=100)
    @given(st.lists(st.one_of(st.none(), st.text(), st.from_regex(r"[0-9]{5}(-[0-9]{4})?"))))
    def test_whatever_comes_only_allowed_prefixes_leave(self, codes):
        told = zip3(pa.array(codes, pa.string())).to_pylist()
        assert set(told) <= ALLOWED | {"000", None}


class TestDomestic:
    def test_foreign_codes_of_five_digits_are_no_prefixes_of_ours(self):
        column = pa.array(["US", "us", " USA ", None, "", "DE", "MX"])
        assert domestic(column).tolist() == [True, True, True, True, True, False, False]
