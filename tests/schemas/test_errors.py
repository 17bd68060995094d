import pickle

import pytest

from schemas.errors import (
    DatumError,
    IncompatibleSchemaError,
    RegistryUnavailableError,
    SchemaParseError,
    SchemasError,
    UnknownSchemaError,
)

ERRORS = [
    SchemaParseError("A.b", "has no type", "give it one"),
    IncompatibleSchemaError("W", "R", "a.b", "a long cannot be read as int"),
    DatumError("truncated", "a.item.b"),
    UnknownSchemaError("42"),
    RegistryUnavailableError("files", "no such folder"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_an_error_survives_pickling_with_its_sentence(error):
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_every_kind_of_error_is_covered_here():
    declared = {e for e in SchemasError.__subclasses__() if e.__module__ == "schemas.errors"}

    assert {type(e) for e in ERRORS} == declared


def test_sentences_name_the_place_the_rule_and_the_remedy():
    assert str(ERRORS[0]) == "schema A.b: has no type; give it one"
    assert "field a.b: a long cannot be read as int; give" in str(ERRORS[1])
    assert str(ERRORS[2]) == "datum refused: truncated at field a.item.b"
    assert str(DatumError("trailing_bytes", "")) == "datum refused: trailing_bytes"
    assert "the whole schema" in str(IncompatibleSchemaError("W", "R", "", "no"))
