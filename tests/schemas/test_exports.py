import pkgutil

import pytest

import schemas
import schemas.columnar
import schemas.registries

PACKAGES = pytest.mark.parametrize("package", [schemas, schemas.columnar, schemas.registries])


@PACKAGES
def test_the_public_list_is_sorted_and_holds(package):
    assert package.__all__ == sorted(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)


@PACKAGES
def test_no_public_name_hides_a_module(package):
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(package.__all__)
