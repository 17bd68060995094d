import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.local.redshift.errors import SqlError
from runners.local.redshift.sql import Copy, Relay, Script, plan

words = st.sampled_from(["getdate()", "nvl(", "minus", "datediff(day,", "::text", "(max)", "super"])
literals = st.lists(words).map(" ".join).map(lambda text: f"'{text}'")
comments = st.lists(words).map(" ".join).map(lambda text: f"/* {text} */")


@settings(max_examples=50)
@given(st.lists(literals | comments, min_size=1))
def test_strings_and_comments_are_left_alone(pieces):
    sql = "select f(" + ", 1, ".join(pieces) + ") from t"
    assert plan(sql) == Relay(sql=sql)


heads = ["create table", "create view", "alter table", "alter user u", "copy", "select"]
tails = ["t", "(", ")", ",", "a", "varchar", "max", "encode", "'s3://b/k'", "from", "iam_role"]
tails += ["within", "group", "add", "column", "session", "timeout", "as", "::"]


@settings(max_examples=200)
@given(st.sampled_from(heads), st.lists(st.sampled_from(tails), max_size=8))
def test_broken_statements_are_passed_on_or_refused_but_never_break_the_gateway(head, tail):
    with contextlib.suppress(SqlError):
        assert plan(" ".join([head, *tail])) is not None


@pytest.mark.parametrize(
    ("sql", "rewritten"),
    [
        ("select nvl(a, b) from t", "select coalesce(a, b) from t"),
        ("select datediff(minute, a, getdate())", "select datediff('minute', a, getdate())"),
        ('select 1 "Fills"', 'select 1 "fills"'),
        ("grant select on t to role r", "grant select on t to  r"),
        ("set query_group to loads", "set rs.query_group to 'loads'"),
        ("select 1;", "select 1"),
        ("", ""),
    ],
)
def test_words_that_postgresql_lacks_are_replaced(sql, rewritten):
    found = plan(sql)
    assert isinstance(found, Relay)
    assert " ".join(found.sql.split()) == " ".join(rewritten.split())


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t values (1) on conflict do nothing",
        "insert into t values (1) returning a",
        "with c as (select 1) insert into t select * from c",
        "with c as (delete from t) select 1",
        "select distinct on (a) a from t",
        "select count(*) filter (where a) from t",
        "select * from t, lateral (select 1) x",
        "select array[1]",
        "select a[1] from t",
        "select 't'::regclass",
        "select cast(a as jsonb) from t",
        "select a->>'b' from t",
        "select now()",
        "select current_timestamp",
        "select string_agg(a, ',') from t",
        "select * from generate_series(1, 3)",
        "select * from (values (1)) v",
        "select a is distinct from b from t",
        "select * from t for update",
        "update t set (a, b) = (1, 2)",
        "create index i on t (a)",
        "create materialized view v as select 1",
        "create table t (a int check (a > 0))",
        "create table t (a int, check (a > 0))",
        "create table t (a serial)",
        "create table t (a jsonb)",
        "create table t (a hllsketch)",
        "create table t (a varchar(70000))",
        "create table t (a decimal(39, 2))",
        "create table t (a varchar(9) encode az64)",
        "create table t (a int encode nonsense)",
        "create table t (a int) sortkey (b)",
        "create table t (a int) tablespace x",
        "create table t (like s)",
        "create table t ()",
        "create table t (a int,)",
        "create table t (a int",
        "alter table t alter column v type varchar(20",
        "create or replace table t (a int)",
        "create temp view v as select 1",
        "create table t (a varchar)",
        "create table t (a int default 1)",
        "create table t (a int identity(1, 1))",
        "alter table t add column a int, add column b int",
        "alter table t add column if not exists a int",
        "alter table t add column a int not null",
        "alter table t alter column a type bigint",
        "alter table t set (fillfactor = 10)",
        "alter table t append from s",
        "savepoint s",
        "rollback to s",
        "lock t in share mode",
        "begin isolation level read committed",
        "merge into t using s on t.a = s.a when matched then delete",
        "truncate t",
        "do $$ begin end $$",
        "copy t from stdin",
        "set enable_hashjoin to off",
        "alter user u session timeout 5",
        "select 1; select 2",
        "unload ('select 1') to 's3://b/k' iam_role default",
    ],
)
def test_what_redshift_or_the_stand_in_has_not_is_refused(sql):
    with pytest.raises(SqlError):
        plan(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select t.returning, filter from t",
        "select 'on conflict' from t -- returning",
        "select sum(a) over (partition by b) from t",
        "select sum(a) over (order by b rows unbounded preceding) from t",
        "select row_number() over (order by b), lag(a) over (order by b) from t",
        "select cast(a as int), (select b as name) from t",
        "select 'pg_class'::regclass from pg_catalog.pg_class",
    ],
)
def test_what_only_looks_like_it_is_taken(sql):
    assert plan(sql) == Relay(sql=sql)


def test_a_statement_of_more_than_16_mb_is_refused():
    with pytest.raises(SqlError, match="Statement is too large"):
        plan(f"select '{'x' * (16 << 20)}'")


def test_an_ordered_window_needs_a_frame():
    with pytest.raises(SqlError, match="require a frame clause"):
        plan("select sum(coalesce(a, 0)) over (partition by b order by c) from t")


@pytest.mark.parametrize(
    "sql",
    [
        "select percentile_cont(0.5) within group (order by a), "
        "percentile_cont(0.9) within group (order by b) from t",
    ],
)
def test_sorted_aggregates_of_one_query_need_one_order(sql):
    with pytest.raises(SqlError, match="must be the same"):
        plan(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select percentile_cont(0.5) within group (order by a), "
        "percentile_cont(0.9) within group (order by a) from t",
        "select percentile_cont(0.5) within group (order by a), "
        "(select percentile_cont(0.5) within group (order by b) from s) from t",
    ],
)
def test_one_order_for_each_query_is_enough(sql):
    assert isinstance(plan(sql), Relay)


class TestTables:
    def test_storage_and_keys_are_left_out_and_lengths_are_bytes(self):
        found = plan(
            "CREATE TABLE IF NOT EXISTS w.f (id BIGINT ENCODE az64 DISTKEY PRIMARY KEY, "
            "v VARCHAR(12) NOT NULL UNIQUE, n DECIMAL(9), k INT REFERENCES o (id), "
            "UNIQUE (v), CONSTRAINT p PRIMARY KEY (n, K), FOREIGN KEY (id) REFERENCES o (id)) "
            "DISTSTYLE KEY DISTKEY (id) SORTKEY (v, id)"
        )
        assert found == Relay(
            sql="CREATE TABLE IF NOT EXISTS w.f (id bigint NOT NULL, "
            "v varchar NOT NULL, "
            'CONSTRAINT "rs_len_12_v" CHECK (octet_length(v) <= 12), n numeric(9,0), '
            "k integer, NOT NULL n, NOT NULL k)"
        )

    def test_a_table_from_a_query_keeps_the_query(self):
        found = plan("create temp table t diststyle all as select nvl(a, 1) a from s")
        assert found == Relay(sql="CREATE TEMP TABLE t as select coalesce(a, 1) a from s")

    def test_a_length_changes_outside_of_a_transaction_only(self):
        found = plan("alter table w.t alter column v type varchar(20)")
        assert isinstance(found, Script)
        assert found.outside_block
        assert found.statements == ("SELECT pg_catalog.rs_set_length('w.t', 'v', 20)",)

    def test_a_late_binding_view_is_marked(self):
        found = plan("create or replace view w.v as select 1 with no schema binding")
        assert found.statements[0] == "create or replace view w.v as select 1"
        assert found.statements[1].startswith("COMMENT ON VIEW w.v ")


class TestCopy:
    @pytest.mark.parametrize("more", ["", " serializetojson"])
    def test_its_parts_are_read(self, more):
        found = plan(
            f"copy \"W\".t from 's3://b/it''s' iam_role 'arn:x' format as parquet{more} manifest "
            "statupdate off"
        )
        assert found == Copy(
            table='"w".t', manifest="s3://b/it's", role="arn:x", to_json=bool(more)
        )

    @pytest.mark.parametrize("option", ["maxerror 3", "truncatecolumns", "compupdate off"])
    def test_options_that_parquet_excludes_are_named(self, option):
        with pytest.raises(SqlError, match="argument is not supported for PARQUET based COPY"):
            plan(f"copy t from 's3://b/k' iam_role default parquet manifest {option}")

    @pytest.mark.parametrize(
        "rest",
        [
            "iam_role default parquet",
            "iam_role default manifest",
            "parquet manifest",
            "iam_role default parquet manifest fillrecord",
            "iam_role x parquet manifest",
        ],
    )
    def test_what_is_missing_or_unknown_is_refused(self, rest):
        with pytest.raises(SqlError):
            plan(f"copy t from 's3://b/k' {rest}")
