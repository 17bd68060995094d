"""The stand-in for Amazon Redshift under the drivers that its users have."""

import datetime
import json
from decimal import Decimal

import boto3
import psycopg
import pyarrow as pa
import pytest
import redshift_connector
from moto import mock_aws

from tests.warehouse import code_of

pytestmark = pytest.mark.warehouse

WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, 678900)
COLUMNS = """(id BIGINT NOT NULL ENCODE az64, name VARCHAR(5), price DECIMAL(10,2),
    at TIMESTAMP, n INTEGER, ok BOOLEAN, x DOUBLE PRECISION, day DATE)"""


def rows(count: int = 8, **changes) -> pa.Table:
    columns = {
        "id": pa.array(range(count), pa.int64()),
        "name": pa.array(["é", None] * (count // 2)).dictionary_encode(),
        "price": pa.array([Decimal("1.25")] * count, pa.decimal128(9, 2)),
        "at": pa.array([WHEN] * count, pa.timestamp("us", "UTC")),
        "n": pa.array(range(count), pa.int32()),
        "ok": pa.array([True] * count),
        "x": pa.array([0.5] * count),
        "day": pa.array([WHEN.date()] * count),
    }
    return pa.table({k: v for k, v in (columns | changes).items() if v is not None})


@pytest.fixture
def table(warehouse):
    """A new table with a column of most types."""
    return warehouse.table(COLUMNS)


class TestConnecting:
    def test_a_wrong_password_is_refused(self, warehouse):
        with pytest.raises(redshift_connector.Error) as caught:
            warehouse.connect(password="wrong")
        assert code_of(caught.value) == "28000"

    def test_a_user_that_is_not_there_is_refused_like_a_wrong_password(self, warehouse):
        with pytest.raises(redshift_connector.Error) as caught:
            warehouse.connect(user="nobody")
        assert code_of(caught.value) == "28000"

    def test_nothing_goes_without_tls(self, warehouse):
        with pytest.raises(psycopg.OperationalError, match="SSL off"):
            warehouse.psycopg(sslmode="disable")

    def test_an_authority_that_the_client_does_not_trust_is_noticed(self, warehouse, monkeypatch):
        wrong = warehouse.redshift.folder / "tls" / "wrong-ca.pem"
        monkeypatch.setenv("SSL_CERT_FILE", str(wrong))
        with pytest.raises(redshift_connector.InterfaceError):
            warehouse.connect()

    def test_the_bundle_for_users_holds_the_authority(self, warehouse, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", str(warehouse.redshift.ca_bundle))
        assert warehouse.all("select 1", warehouse.connect()) == [[1]]

    def test_a_password_of_iam_is_taken(self, warehouse, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with mock_aws():
            boto3.client("redshift", "us-east-1").create_cluster(
                ClusterIdentifier="c",
                NodeType="ra3.large",
                MasterUsername="awsuser",
                MasterUserPassword="Secret123",
            )
            connection = warehouse.connect(
                iam=True,
                user="",
                password="",
                db_user="awsuser",
                cluster_identifier="c",
                region="us-east-1",
            )
        assert warehouse.all("select current_user", connection) == [["awsuser"]]

    def test_users_of_ones_own_log_in_and_have_their_own_rights(self, warehouse, table):
        warehouse.run("create user reader password 'Secret123' session timeout 90")
        warehouse.run("create role analyst")
        warehouse.run(f"grant select on {table} to role analyst")
        with warehouse.connect(user="reader", password="Secret123") as reader:
            with pytest.raises(redshift_connector.Error) as caught:
                warehouse.all(f"select * from {table}", reader)
            assert code_of(caught.value) == "42501"
            reader.rollback()
            warehouse.run("grant role analyst to reader")
            assert warehouse.all(f"select * from {table}", reader) == []
            assert warehouse.all("show idle_session_timeout", reader) == [["90s"]]


class TestRedshiftConnector:
    def test_parameters_and_values_of_all_types_come_back(self, warehouse, table):
        values = [7, "é", Decimal("1.25"), WHEN, 3, True, 0.5, WHEN.date()]
        with warehouse.connect() as connection, connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(values))
            cursor.execute(f"insert into {table} values ({marks})", values)
            assert cursor.rowcount == 1
            cursor.execute(f"select * from {table} where id = %s", (7,))
            assert list(cursor.fetchone()) == values

    def test_executemany_works(self, warehouse):
        name = warehouse.table("(a int)")
        with warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(f"insert into {name} values (%s)", [(i,) for i in range(5)])
            cursor.execute(f"select count(*) from {name}")
            assert cursor.fetchone() == [5]

    def test_a_result_comes_as_an_array_of_numpy(self, warehouse):
        with warehouse.connect().cursor() as cursor:
            cursor.execute("select 1, 2 union all select 3, 4 order by 1")
            assert cursor.fetch_numpy_array().tolist() == [[1, 2], [3, 4]]

    def test_an_error_aborts_the_transaction_until_it_is_rolled_back(self, warehouse):
        with warehouse.connect() as connection, connection.cursor() as cursor:
            for sql, code in (("select 1/0", "22012"), ("select 1", "25P02")):
                with pytest.raises(redshift_connector.Error) as caught:
                    cursor.execute(sql)
                assert code_of(caught.value) == code
            connection.rollback()
            assert warehouse.all("select 1", connection) == [[1]]

    def test_a_refusal_is_an_error_like_any_other(self, warehouse):
        with warehouse.connect() as connection, connection.cursor() as cursor:
            for sql, code in (("select 1 for update", "0A000"), ("select 1", "25P02")):
                with pytest.raises(redshift_connector.Error) as caught:
                    cursor.execute(sql)
                assert code_of(caught.value) == code
            connection.rollback()
            with pytest.raises(redshift_connector.Error, match="stand-in: FOR UPDATE"):
                cursor.execute("select %s for update", (1,))


class TestPsycopg:
    def test_a_pipeline_with_copy_inside_works(self, warehouse, table):
        copy = warehouse.copy_sql(table, rows())
        with warehouse.psycopg() as connection, connection.pipeline(), connection.cursor() as c:
            c.execute(f"insert into {table} (id) values (%s)", (99,))
            c.execute(copy)
            c.execute("select pg_last_copy_count()")
            assert c.fetchone() == (8,)
        assert warehouse.count(table) == 9

    def test_what_follows_an_error_in_a_pipeline_is_not_run(self, warehouse, table):
        copy = warehouse.copy_sql(table, rows())
        connection = warehouse.psycopg(autocommit=True)

        def send() -> None:
            with connection.pipeline():
                connection.execute("select 1/%s", (0,))
                connection.execute(copy)  # The error arrives here or at the block's end.

        with pytest.raises(psycopg.errors.DivisionByZero):
            send()
        assert connection.execute("select 1").fetchone() == (1,)
        assert warehouse.count(table) == 0

    def test_a_statement_of_nothing_is_answered(self, warehouse):
        connection = warehouse.psycopg(autocommit=True)
        for nothing in ("", ";", "-- nothing"):
            assert connection.execute(nothing).description is None
            assert connection.execute(nothing, prepare=True).description is None
        assert connection.execute("select 1").fetchone() == (1,)

    def test_several_statements_at_once_are_refused(self, warehouse):
        name = warehouse.table("(a int)")
        connection = warehouse.psycopg(autocommit=True)
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="send one by one"):
            connection.execute(f"insert into {name} values (1); select 1")
        assert connection.execute("select 1").fetchone() == (1,)
        assert warehouse.count(name) == 0


class TestJoins:
    def test_keys_meet_by_hash_or_merge_however_few_rows_are_expected(self, warehouse):
        one, other = (warehouse.table("(k int, a int, b int, c int)") for _ in range(2))
        found = warehouse.all(
            f"explain select 1 from {one} s join {other} o on s.k = o.k where s.a = 1 "
            "and s.b = 1 and s.c = 1 and o.a = 1 and o.b = 1 and o.c = 1"
        )
        assert not any("Nested Loop" in line for [line] in found)
        assert any("Hash Join" in line or "Merge Join" in line for [line] in found)


class TestCopy:
    def test_it_is_part_of_the_clients_transaction(self, warehouse, table):
        copy = warehouse.copy_sql(table, rows())
        with warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.execute(copy)
            assert warehouse.all("select pg_last_copy_count()", connection) == [[8]]
            assert warehouse.count(table) == 0
            connection.rollback()
            assert warehouse.count(table) == 0
            cursor.execute(copy)  # the driver has it prepared by now
            cursor.execute(copy)
            connection.commit()
        assert warehouse.count(table) == 16

    def test_every_value_arrives(self, warehouse, table):
        warehouse.run(warehouse.copy_sql(table, rows(2)))
        assert warehouse.all(f"select * from {table} order by id") == [
            [0, "é", Decimal("1.25"), WHEN, 0, True, 0.5, WHEN.date()],
            [1, None, Decimal("1.25"), WHEN, 1, True, 0.5, WHEN.date()],
        ]

    def test_nested_columns_become_super_if_asked_for(self, warehouse):
        table = warehouse.table("(a super, b int)")
        lists = pa.array([["x", "y"], [], None], pa.list_(pa.string()))
        copy = warehouse.copy_sql(table, pa.table({"a": lists, "b": pa.array([1, 2, 3], "int32")}))
        with pytest.raises(redshift_connector.Error, match="requires SERIALIZETOJSON"):
            warehouse.run(copy)
        warehouse.run(f"{copy} serializetojson")
        found = [row[0] for row in warehouse.all(f"select a from {table} order by b")]
        assert found == ['["x","y"]', "[]", None]

    def test_it_goes_into_a_temporary_table_that_is_not_committed(self, warehouse):
        with warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f'create temp table "stg" {COLUMNS}')
            cursor.execute(warehouse.copy_sql('"stg"', rows()))
            assert warehouse.all("select count(*) from stg", connection) == [[8]]

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            (
                {"n": pa.array(range(8), pa.int64())},
                "Column type: INTEGER, Parquet schema: optional",
            ),
            ({"price": pa.array([1.0] * 8)}, "incompatible Parquet schema"),
            ({"at": pa.array([WHEN] * 8, pa.timestamp("ns"))}, "incompatible Parquet schema"),
            ({"name": pa.array(["éée1"] * 8)}, "Table: 5, Data: 6"),
            ({"id": pa.array([None] * 8, pa.int64())}, "does not allow NULL"),
            ({"day": None}, "Table columns: 8, Data columns: 7"),
        ],
    )
    def test_what_does_not_fit_fails_as_on_redshift(self, warehouse, table, changes, told):
        with warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"insert into {table} (id) values (1)")
            with pytest.raises(redshift_connector.Error) as caught:
                cursor.execute(warehouse.copy_sql(table, rows(**changes)))
            error = caught.value.args[0]
            assert (error["C"], error["M"]) == ("XX000", "Spectrum Scan Error")
            assert "code:      15007" in error["D"]
            assert told in error["D"]
            with pytest.raises(redshift_connector.Error) as caught:
                cursor.execute("select 1")
            assert code_of(caught.value) == "25P02"
            connection.rollback()
        assert warehouse.count(table) == 0

    @pytest.mark.parametrize(
        ("entry", "told"),
        [
            ({"url": "s3://no-such-bucket/x", "mandatory": True}, "Mandatory url is not present"),
            ({"meta": {"content_length": 1}}, "File size in manifest does not match"),
            ({"meta": {}}, "File size is missing in manifest"),
        ],
    )
    def test_a_manifest_must_be_true(self, warehouse, table, entry, told):
        body = warehouse.put("f", rows())
        true = {"url": warehouse.url("f"), "mandatory": True, "meta": {"content_length": body}}
        warehouse.put_bytes("m", json.dumps({"entries": [true | entry]}).encode())
        with pytest.raises(redshift_connector.Error, match=told) as caught:
            warehouse.run(warehouse.copy_of("m", table))
        assert code_of(caught.value) == "XX000"

    def test_a_later_file_that_is_wrong_takes_the_earlier_ones_back(self, warehouse, table):
        good, bad = rows(), rows(n=pa.array(range(8), pa.int64()))
        with pytest.raises(redshift_connector.Error, match="Spectrum"):
            warehouse.run(warehouse.copy_sql(table, good, bad))
        assert warehouse.count(table) == 0

    def test_another_role_and_a_missing_table_are_refused(self, warehouse, table):
        copy = warehouse.copy_sql(table, rows())
        with pytest.raises(redshift_connector.Error, match="not authorized to assume IAM Role"):
            warehouse.run(copy.replace("default", "'arn:aws:iam::1:role/other'"))
        with pytest.raises(redshift_connector.Error) as caught:
            warehouse.run(warehouse.copy_sql("no_such_table", rows()))
        assert code_of(caught.value) == "42P01"


class TestWarehouseIdioms:
    """Statements that a loader and its readers use, in one go."""

    def test_functions_give_what_redshift_gives(self, warehouse):
        name = warehouse.table("(k int, v varchar(9))")
        warehouse.run(f"insert into {name} values (1, 'a'), (2, 'B')")
        late = "'2026-01-01 23:59'::timestamp"
        found = warehouse.all(
            f"select percentile_cont(0.5) within group (order by k), len(max(v)), "
            f"nvl(max(null::int), 7), datediff(day, {late}, dateadd(hour, 1, {late})), "
            f"convert_timezone('UTC', 'America/New_York', {late}) from {name}"
        )
        assert found == [[1.5, 1, 7, 1, datetime.datetime(2026, 1, 1, 18, 59)]]

    def test_keys_are_not_enforced(self, warehouse):
        name = warehouse.table("(k int primary key, u int unique)")
        warehouse.run(f"insert into {name} values (1, 1), (1, 1)")
        assert warehouse.count(name) == 2

    def test_lengths_are_bytes(self, warehouse):
        name = warehouse.table("(v varchar(3))")
        with pytest.raises(redshift_connector.Error) as caught:
            warehouse.run(f"insert into {name} values ('hée')")
        assert code_of(caught.value) == "22001"

    def test_truncate_which_commits_is_refused(self, warehouse):
        name = warehouse.table("(a int)")
        with pytest.raises(redshift_connector.Error, match="stand-in: TRUNCATE"):
            warehouse.run(f"truncate {name}")

    def test_a_length_grows_outside_of_a_transaction_under_late_binding_views(self, warehouse):
        name = warehouse.table("(v varchar(3))")
        widen = f"alter table {name} alter column v type varchar(9)"
        with warehouse.connect() as connection, connection.cursor() as cursor:
            with pytest.raises(redshift_connector.Error) as caught:
                cursor.execute(widen)
            assert code_of(caught.value) == "25001"
        warehouse.run(f"create view late_{name} as select v from {name} with no schema binding")
        warehouse.run(widen)
        warehouse.run(f"insert into {name} values ('123456789')")
        lengths = f"select character_maximum_length from svv_columns where table_name = '{name}'"
        assert warehouse.all(lengths) == [[9]]
        warehouse.run(f"create view bound_{name} as select v from {name}")
        with pytest.raises(redshift_connector.Error, match="used by a view"):
            warehouse.run(widen)
