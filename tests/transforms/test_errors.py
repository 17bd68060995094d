"""Errors travel between processes, and say what to do."""

import importlib
import inspect
import pickle
import pkgutil

import pytest

import runners
import schemas
import transforms
from runners.errors import RunnersError
from schemas.errors import SchemasError
from transforms import errors
from transforms.errors import PipelineError


def subclasses(base):
    return [base, *(each for child in base.__subclasses__() for each in subclasses(child))]


def load(package):
    """Imports all of a package, so that errors outside of ``errors.py`` are found too."""
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


for _package in (runners, schemas, transforms):
    load(_package)

CLASSES = sorted(
    {each for base in (PipelineError, SchemasError, RunnersError) for each in subclasses(base)},
    key=lambda each: f"{each.__module__}.{each.__name__}",
)


def made(kind):
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return kind("something happened")
    values = {"tried": ("one", "two")}
    return kind(*(values.get(each.name, f"the {each.name}") for each in parameters))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind):
    error = made(kind)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert vars(back) == vars(error)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_is_one_line_that_holds_its_arguments(kind):
    text = str(made(kind))
    assert text
    assert "\n" not in text
    for name in inspect.signature(kind.__init__).parameters:
        if name in ("what", "remedy", "reason", "place", "rule"):
            assert f"the {name}" in text


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_is_described_and_named_as_one(kind):
    assert kind.__doc__
    assert kind.__name__.endswith("Error")


def test_the_tree_in_the_docstring_is_complete():
    for kind in subclasses(PipelineError):
        if kind.__module__ == errors.__name__:
            assert kind.__name__ in errors.__doc__


def test_without_a_remedy_the_text_is_what_happened():
    assert str(PipelineError("it broke")) == "it broke"
    assert str(PipelineError("it broke", "Mend it")) == "it broke. Mend it"
