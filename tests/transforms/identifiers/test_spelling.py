import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from transforms.identifiers import normalized


@given(st.text() | st.text(st.characters(max_codepoint=127)))
@example(" \x1crx \x00\x7f")
def test_the_form_is_nfkc_without_outer_blanks_in_upper_case(text):
    assert normalized(text) == unicodedata.normalize("NFKC", text).strip().upper()


def test_normalizing_twice_changes_nothing_for_ids():
    for text in ("p-17", " Rx 9 ", "\uff50\uff11\uff17"):
        assert normalized(normalized(text)) == normalized(text)
