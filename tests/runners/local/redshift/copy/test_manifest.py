import json

import pytest

from runners.local.redshift.copy.manifest import SourceFile, files, parse
from runners.local.redshift.errors import SqlError


class FakeStore:
    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def size(self, url):
        return len(self.objects[url]) if url in self.objects else None

    def read(self, url):
        if url not in self.objects:
            raise FileNotFoundError(url)
        return self.objects[url]


def store(*entries, **objects):
    document = json.dumps({"entries": entries}).encode()
    return FakeStore({"s3://b/m": document, **{f"s3://b/{k}": v for k, v in objects.items()}})


def entry(name, length, *, mandatory=True):
    meta = {"content_length": length}
    return {"url": f"s3://b/{name}", "mandatory": mandatory, "meta": meta}


def test_entries_that_are_there_are_returned_in_their_order():
    found = files(store(entry("x", 1), entry("a", 2), x=b"1", a=b"22"), "s3://b/m")
    assert [file.url for file in found] == ["s3://b/x", "s3://b/a"]


def test_a_missing_entry_counts_only_if_it_is_mandatory():
    optional = entry("gone", 1, mandatory=False)
    assert files(store(optional), "s3://b/m") == []
    with pytest.raises(SqlError, match="Mandatory url is not present in manifest file"):
        files(store(entry("gone", 1)), "s3://b/m")


def test_a_file_of_another_size_is_refused():
    with pytest.raises(SqlError, match="File size in manifest does not match"):
        files(store(entry("x", 5), x=b"1"), "s3://b/m")


def test_a_manifest_that_is_not_there_is_refused():
    with pytest.raises(SqlError, match="Problem reading manifest file"):
        files(store(), "s3://b/none")


def test_entries_are_not_mandatory_unless_they_say_so():
    (found,) = parse(b'{"entries": [{"url": "s3://b/x", "meta": {"content_length": 3}}]}')
    assert found == SourceFile(url="s3://b/x", size=3, mandatory=False)


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b'{"entries": 1}', b'{"entries": [{}]}', b'{"entries": [{"url": "s3://b/x"}]}'],
)
def test_a_manifest_that_is_none_is_refused(document):
    with pytest.raises(SqlError, match="manifest"):
        parse(document)
