"""What went wrong before anything was done is a refusal."""

import pytest

from beam_pipelines.refusals import refusing
from transforms.errors import BrokerUnavailableError, ConfigurationError, RefusedError


def test_an_error_of_ours_becomes_a_refusal_with_its_remedy():
    with pytest.raises(RefusedError) as caught, refusing("it broke off: "):
        raise BrokerUnavailableError("the broker is away", "Wait")
    assert (caught.value.what, caught.value.remedy) == ("it broke off: the broker is away", "Wait")


def test_a_refusal_stays_what_it_is():
    error = ConfigurationError("no such key", "Remove it")
    with pytest.raises(ConfigurationError) as caught, refusing("it broke off: "):
        raise error
    assert caught.value is error


def test_a_bug_is_no_refusal():
    with pytest.raises(ZeroDivisionError), refusing():
        raise ZeroDivisionError
