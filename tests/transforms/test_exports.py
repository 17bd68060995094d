"""The public lists."""

import importlib
import inspect
import pkgutil

import pytest

import transforms

PACKAGES = [
    module.name
    for module in pkgutil.walk_packages(transforms.__path__, "transforms.")
    if module.ispkg
]


def test_there_are_packages_to_look_at():
    assert {"transforms.kafka", "transforms.lake", "transforms.avro"} <= set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_public_list_is_sorted_and_every_name_is_there(name):
    package = importlib.import_module(name)
    # As ruff sorts: constants, then classes, then functions.
    assert sorted(package.__all__) == sorted(set(package.__all__))
    kinds = [0 if n.isupper() else 1 if n[0].isupper() else 2 for n in package.__all__]
    assert list(zip(kinds, package.__all__, strict=True)) == sorted(
        zip(kinds, package.__all__, strict=True)
    )
    for public in package.__all__:
        assert getattr(package, public) is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_says_what_it_is(name):
    package = importlib.import_module(name)
    for public in package.__all__:
        value = getattr(package, public)
        if inspect.isroutine(value) or inspect.isclass(value):
            assert value.__doc__, public
