"""Rule files: read, or refused with file, line, rule and reason."""

from importlib.resources import files

import pyarrow as pa
import pytest

from tests.transforms.quality.rows import SCHEMAS
from transforms.errors import ConfigurationError
from transforms.quality import load_rules, read_rule_files

THINGS = pa.schema(
    [("code", pa.string()), ("price", pa.int64()), ("effective_from", pa.timestamp("us", "UTC"))]
)
KNOWN = {**SCHEMAS, "thing_ref": THINGS}
GOOD = """\
references:
  thing:
    dataset: thing_ref
    key: code
    lookup: {orders: text}
rules:
  - id: R01
    version: 1
    dataset: orders
    severity: error
    field: amount
    expect: amount < thing.price
    message: Too much
    owner: sales
  - id: R02
    version: 1
    dataset: orders
    severity: warn
    field: text
    check: {is_npi: text}
    message: No NPI
    owner: sales
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="rules.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def fault(text, write, **changed):
    (found,) = read_rule_files(write(text), **{"schemas": KNOWN, **changed}).faults
    return found


def test_a_right_file_is_read(write):
    rules = load_rules(str(write(GOOD)), schemas=KNOWN)
    assert [rule.id for rule in rules.of("orders")] == ["R01", "R02"]
    assert set(rules.references) == {"thing"}


def test_an_empty_file_has_no_rules(write):
    assert load_rules(write(""), schemas=KNOWN).rules == ()


def test_files_of_a_package_are_files_too():
    file = files("transforms.quality").joinpath("__init__.py")
    (found,) = read_rule_files(file, schemas=KNOWN).faults
    assert found.file.endswith("__init__.py")


@pytest.mark.parametrize(
    ("old", "new", "line", "rule", "reason"),
    [
        ("amount < thing.price", "amount <", 12, "R01", "no SQL expression"),
        ("amount < thing.price", "amont < 1", 12, "R01", "amont, which is no column"),
        ("amount < thing.price", "amount + 1", 12, "R01", "gives int64"),
        ("amount < thing.price", "amount < event_time", 12, "R01", "doesn't fit the rows"),
        ("amount < thing.price", "event_time < now()", 12, "R01", "the function now"),
        ("amount < thing.price", "_offset > 1", 12, "R01", "_offset, which is no column"),
        ("amount < thing.price", "amount < thing.cost", 12, "R01", "thing has no column cost"),
        ("amount < thing.price", "amount < other.cost", 12, "R01", "other.cost, which is no"),
        ("{is_npi: text}", "{is_nip: text}", 20, "R02", "the function is_nip"),
        ("{is_npi: text}", "{is_npi: [text, text]}", 20, "R02", "doesn't fit the rows"),
        ("{is_npi: text}", "{ndc11: text}", 20, "R02", "gives string"),
        ("{is_npi: text}", "{}", 15, "R02", "check must name one check"),
        ("field: amount", "field: amont", 11, "R01", "orders has no field amont"),
        ("dataset: orders\n    severity: warn", "dataset: order\n    severity: warn", 17, "R02",
         "the dataset order is not known"),
        ("id: R02", "id: r02", 15, "r02", "id must be like"),
        ("id: R02", "id: R01", 15, "R01", "stands at"),
        ("version: 1\n    dataset: orders\n    severity: warn",
         "version: one\n    dataset: orders\n    severity: warn", 16, "R02", "version"),
        ("severity: warn", "severity: fatal", 18, "R02", "severity: Input should be"),
        ("    owner: sales\n  - id: R02", "  - id: R02", 7, "R01", "owner is missing"),
        ("message: No NPI", "massage: No NPI", 21, "R02", "massage is not a known key"),
        ("message: No NPI", "message: No NPI\n    from: 2026-02-01\n    until: 2026-01-01", 15,
         "R02", "from must lie before until"),
        ("message: No NPI", "message: No NPI\n    message: twice", 22, "", "stands twice"),
        ("references:", "reference:", 1, "", "reference is not a known key"),
        ("key: code", "key: cod", 2, "", "cod, which thing_ref lacks"),
        ("dataset: thing_ref", "dataset: things", 2, "", "things, which is not known"),
        ("{orders: text}", "{nobody: text}", 2, "", "nobody, which is not known"),
        ("{orders: text}", "{orders: txt}", 2, "", "txt, which is no column"),
        ("  thing:", "  amount:", 2, "", "has the name of a column"),
        ("key: code", "key: code\n    where: price", 2, "", "where gives no true or false"),
        ("key: code", "key: code\n    where: cost > 1", 2, "", "cost, which is no column"),
        ("{orders: text}", "{orders: {entity: e, of: [text]}}", 2, "", "code for its key, which"),
        ("key: code\n    lookup: {orders: text}",
         "key: link\n    lookup: {orders: {entity: e, of: [amount]}}", 2, "",
         "the link of amount, which is"),
        ("  - id: R02", "  - id: [R02", 16, "", "expected"),
    ],
)  # fmt: skip
def test_a_fault_has_file_line_rule_and_reason(old, new, line, rule, reason, write):
    assert GOOD.count(old) == 1
    read = read_rule_files(write(GOOD.replace(old, new)), schemas=KNOWN)
    found = next(each for each in read.faults if reason in each.reason)
    assert (found.line, found.rule) == (line, rule)
    assert found.file.endswith("rules.yaml")


def test_all_faults_are_found_in_the_order_of_their_lines(write):
    text = GOOD.replace("amount < thing.price", "nothing").replace("field: text", "field: none")
    faults = read_rule_files(write(text), schemas=KNOWN).faults
    assert [each.line for each in faults] == [12, 19]
    with pytest.raises(ConfigurationError, match=r"rules\.yaml:12: rule R01: .*; .*:19: rule R02"):
        load_rules(write(text), schemas=KNOWN)


def test_many_faults_are_counted(write):
    text = "rules:\n" + "  - {id: R01}\n" * 4
    count = len(read_rule_files(write(text)).faults)
    assert count > 4
    with pytest.raises(ConfigurationError, match=f"and {count - 3} more"):
        load_rules(write(text))


def test_the_same_id_may_stand_twice_if_the_periods_do_not_overlap(write):
    old = GOOD.replace("message: No NPI", "message: No NPI\n    until: 2026-02-01")
    new = GOOD.replace("message: No NPI", "message: No NPI\n    from: 2026-02-01")
    new = new.replace("  - id: R01", "  - id: R03")
    rules = load_rules(write(old, "a.yaml"), write(new, "b.yaml"), schemas=KNOWN)
    assert [rule.id for rule in rules.of("orders")] == ["R01", "R02", "R02", "R03"]


def test_an_overlap_of_two_files_names_both_places(write):
    read = read_rule_files(write(GOOD, "a.yaml"), write(GOOD, "b.yaml"), schemas=KNOWN)
    assert [each.rule for each in read.faults] == ["R01", "R02"]
    assert all("a.yaml:" in each.reason and "b.yaml" in each.file for each in read.faults)


def test_files_may_not_declare_a_reference_differently(write):
    other = GOOD.replace("lookup: {orders: text}", "lookup: {orders: upper(text)}")
    other = other.replace("id: R0", "id: S0")
    read = read_rule_files(write(GOOD, "a.yaml"), write(other, "b.yaml"), schemas=KNOWN)
    assert [each.reason for each in read.faults] == [
        "the reference thing is another one in a file before it"
    ]


def test_a_column_that_masks_hide_is_refused(write):
    found = fault(GOOD, write, committed={"thing_ref": THINGS.remove(1)})
    assert (found.rule, found.line) == ("R01", 12)
    assert "thing_ref lacks it, or a mask hides it" in found.reason


def test_a_file_that_is_not_there_or_no_text_is_refused(write, tmp_path):
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_rules(tmp_path / "none.yaml")
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match="no UTF-8"):
        load_rules(path)


@pytest.mark.parametrize("text", ["[]", "1", "text", "rules: 1", "rules: [1]", "rules: {a: 1}"])
def test_another_form_is_refused(text, write):
    assert read_rule_files(write(text), schemas=KNOWN).faults


LINKED = GOOD.replace("key: code", "key: code_link").replace(
    "{orders: text}", "{orders: {entity: code, of: [text]}}"
)


def test_a_link_is_taken_on_trust_where_no_configuration_tells_of_it(write):
    assert load_rules(write(LINKED), schemas=KNOWN).references["thing"].link is not None


def test_a_configuration_without_the_link_refuses_it(write):
    (found,) = [
        each
        for each in read_rule_files(write(LINKED), schemas=KNOWN, committed=KNOWN).faults
        if not each.rule
    ]
    assert "names the column code_link, which thing_ref lacks" in found.reason
