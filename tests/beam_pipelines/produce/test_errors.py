import pickle

import pytest

from beam_pipelines.produce import errors

EXAMPLES = [
    errors.ArgumentError("argument --events: must be more"),
    errors.BrokerUnavailableError("h:1", "down"),
    errors.DeliveryError("t, partition 0", "timed out"),
    errors.ManifestError("m.json", "denied"),
    errors.SettingError("no such property"),
    errors.TopicError("t", "does not exist", "create it"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: type(e).__name__)
def test_an_error_survives_pickling_with_its_words(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert "\n" not in str(error)


def test_every_error_has_an_example_here():
    kinds = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.ProduceError)
    }
    assert kinds - {errors.ProduceError} == {type(example) for example in EXAMPLES}
