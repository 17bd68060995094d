"""The texts that masks make are as long as is said."""

from datetime import date

import pyarrow as pa
import pytest

from transforms.masking.actions import Action
from transforms.masking.ages import age_band
from transforms.masking.pseudonym import Pseudonyms
from transforms.masking.redact import redact
from transforms.masking.sizes import longest_text
from transforms.masking.zip3 import zip3

SEEN = pa.array([date(2026, 1, 1)] * 110)
MASKED = {
    Action.PSEUDONYM: Pseudonyms(b"k" * 32, 117).mask(pa.array(["a", "x" * 999, None])),
    Action.REDACT: redact(pa.array(["x" * 999, None])),
    Action.ZIP3: zip3(pa.array(["94110-0017", "100", None])),
    Action.AGE_BAND: age_band(pa.array([date(2026 - n, 1, 1) for n in range(110)]), SEEN),
}


@pytest.mark.parametrize("action", Action)
def test_the_longest_text_of_each_action_is_known(action):
    texts = MASKED[action].to_pylist() if action in MASKED else []
    assert longest_text(action, 117) == max((len((t or "").encode()) for t in texts), default=0)
