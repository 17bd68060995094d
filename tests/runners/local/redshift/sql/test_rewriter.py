import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.local.redshift.errors import SqlError
from runners.local.redshift.sql import Copy, Relay, Script, plan

words = st.sampled_from(
    ["sysdate", "nvl(", "minus", "median(", "datediff(day,", "#t", "::text", "(max)", "super"]
)
literals = st.lists(words).map(" ".join).map(lambda text: f"'{text}'")
comments = st.lists(words).map(" ".join).map(lambda text: f"/* {text} */")


@settings(max_examples=50)
@given(st.lists(literals | comments, min_size=1))
def test_strings_and_comments_are_left_alone(pieces):
    sql = "select f(" + ", 1, ".join(pieces) + ") from t"
    assert plan(sql) == Relay(sql=sql)


heads = ["create table", "create view", "alter table", "alter user u", "copy", "select", "merge"]
tails = ["t", "(", ")", ",", "a", "varchar", "max", "identity", "'s3://b/k'", "from", "iam_role"]
tails += ["listagg", "within", "group", "add", "column", "append", "session", "timeout", "as", "::"]


@settings(max_examples=200)
@given(st.sampled_from(heads), st.lists(st.sampled_from(tails), max_size=8))
def test_broken_statements_are_passed_on_or_refused_but_never_break_the_gateway(head, tail):
    with contextlib.suppress(SqlError):
        assert plan(" ".join([head, *tail])) is not None


@pytest.mark.parametrize(
    ("sql", "rewritten"),
    [
        ("select nvl(a, b) from #t", 'select coalesce(a, b) from "#t"'),
        (
            "select datediff(minute, a, SYSDATE)",
            "select datediff('minute', a, pg_catalog.sysdate())",
        ),
        ("select median(x) from t", "select percentile_cont(0.5) within group (order by x) from t"),
        ("select a::text, cast(b as TEXT)", "select a::varchar(256), cast(b as varchar(256))"),
        ("select 1 as text", "select 1 as text"),
        ("select 'a'::varchar(max)", "select 'a'::varchar(65535)"),
        ("select 1 minus select 2", "select 1 except select 2"),
        ('select 1 "Fills"', 'select 1 "fills"'),
        ("begin isolation level read committed", "begin"),
        ("grant select on t to role r", "grant select on t to  r"),
        ("vacuum delete only t to 75 percent", "VACUUM t"),
        ("analyze t predicate columns", "analyze t"),
        ("set query_group to loads", "set rs.query_group to 'loads'"),
        ("select 1; select 2;", "select 1; select 2"),
    ],
)
def test_words_that_postgresql_lacks_are_replaced(sql, rewritten):
    found = plan(sql)
    assert isinstance(found, Relay)
    assert " ".join(found.sql.split()) == " ".join(rewritten.split())


def test_listagg_becomes_string_agg():
    found = plan("select listagg(a, ',') within group (order by b desc) from t")
    expected = "select string_agg((a)::varchar, ',' order by b desc) from t"
    assert " ".join(found.sql.split()) == expected


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
        "select 1 qualify row_number() over () = 1",
        "select top 3 a from t",
        "select * from t for update",
        "select 1 a into #t",
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
        "create table t (like s including all)",
        "alter table t add column a int, add column b int",
        "alter table t add column if not exists a int",
        "alter table t add column a int not null",
        "alter table t alter column a type bigint",
        "alter table t set (fillfactor = 10)",
        "savepoint s",
        "rollback to s",
        "lock t in share mode",
        "truncate a, b",
        "do $$ begin end $$",
        "copy t from stdin",
        "set enable_hashjoin to off",
        "alter user u session timeout 5",
        "truncate t; select 1",
        "vacuum; copy t from 's3://b/k' iam_role default parquet",
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
        "select median(a), percentile_cont(0.9) within group (order by b) from t",
        "select round(median(a), 1), listagg(b) within group (order by b) from t",
    ],
)
def test_sorted_aggregates_of_one_query_need_one_order(sql):
    with pytest.raises(SqlError, match="must be the same"):
        plan(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select percentile_cont(0.5) within group (order by a), median(a) from t",
        "select median(a), (select median(b) from s) from t",
    ],
)
def test_one_order_for_each_query_is_enough(sql):
    assert isinstance(plan(sql), Relay)


class TestMerge:
    whole = "merge into {} using {} on t.a = s.a when matched {} update set b = s.b {}"
    insert = "when not matched then insert values (s.a)"

    def test_the_form_that_redshift_takes_is_passed_on(self):
        sql = self.whole.format("w.t", "s", "then", self.insert)
        assert plan(sql) == Relay(sql=sql)

    @pytest.mark.parametrize(
        ("target", "source", "then", "insert"),
        [
            ("t as x", "s", "then", insert),
            ("t x", "s", "then", insert),
            ("t", "(select 1) s", "then", insert),
            ("t", "s", "and s.b > 1 then", insert),
            ("t", "s", "then", ""),
            ("t", "s", "then", insert + " when not matched by source then delete"),
        ],
    )
    def test_postgresqls_other_forms_are_refused(self, target, source, then, insert):
        with pytest.raises(SqlError):
            plan(self.whole.format(target, source, then, insert))


class TestTables:
    def test_storage_and_keys_are_left_out_and_lengths_are_bytes(self):
        found = plan(
            "CREATE TABLE IF NOT EXISTS w.f (id BIGINT ENCODE az64 DISTKEY PRIMARY KEY, "
            "v VARCHAR(12) DEFAULT NVL('a,b', 'c') NOT NULL, n DECIMAL, "
            "k INT IDENTITY(1, 2), UNIQUE (v), CONSTRAINT p PRIMARY KEY (n, K), "
            "FOREIGN KEY (id) REFERENCES o (id)) "
            "DISTSTYLE KEY COMPOUND SORTKEY (v, id) ENCODE AUTO BACKUP NO"
        )
        assert found == Relay(
            sql="CREATE TABLE IF NOT EXISTS w.f (id bigint NOT NULL, "
            "v varchar DEFAULT coalesce('a,b', 'c') NOT NULL, "
            'CONSTRAINT "rs_len_12_v" CHECK (octet_length(v) <= 12), n numeric(18,0), '
            "k integer GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 2), "
            "NOT NULL n, NOT NULL k)"
        )

    def test_a_name_with_a_hash_makes_a_temporary_table(self):
        assert plan("create table #s (like t)") == Relay(
            sql='CREATE TEMP TABLE "#s" (LIKE t INCLUDING CONSTRAINTS )'
        )

    def test_a_table_from_a_query_keeps_the_query(self):
        found = plan("create table t diststyle all as select getdate() a from #s")
        assert found == Relay(sql='CREATE TABLE t as select getdate() a from "#s"')

    def test_a_length_changes_outside_of_a_transaction_only(self):
        found = plan("alter table w.t alter column v type varchar(20)")
        assert isinstance(found, Script)
        assert found.outside_block
        assert found.statements == ("SELECT pg_catalog.rs_set_length('w.t', 'v', 20)",)

    def test_a_late_binding_view_is_marked(self):
        found = plan("create or replace view w.v as select 1 with no schema binding")
        assert found.statements[0] == "create or replace view w.v as select 1"
        assert found.statements[1].startswith("COMMENT ON VIEW w.v ")

    def test_truncate_commits(self):
        assert plan("truncate w.t").commit


class TestCopy:
    @pytest.mark.parametrize("name", ["w.t", "#stg"])
    def test_its_parts_are_read(self, name):
        found = plan(
            f"copy {name} (a, \"B\") from 's3://b/it''s' iam_role 'arn:x' "
            "format as parquet manifest fillrecord statupdate off"
        )
        assert found == Copy(
            table='"#stg"' if name == "#stg" else name,
            columns=("a", '"b"'),
            source="s3://b/it's",
            role="arn:x",
            manifest=True,
            fill=True,
        )

    @pytest.mark.parametrize("option", ["maxerror 3", "truncatecolumns", "compupdate off"])
    def test_options_that_parquet_excludes_are_named(self, option):
        with pytest.raises(SqlError, match="argument is not supported for PARQUET based COPY"):
            plan(f"copy t from 's3://b/k' iam_role default parquet {option}")

    @pytest.mark.parametrize(
        "rest",
        ["iam_role default", "parquet", "iam_role default parquet nonsense", "iam_role x parquet"],
    )
    def test_what_is_missing_or_unknown_is_refused(self, rest):
        with pytest.raises(SqlError):
            plan(f"copy t from 's3://b/k' {rest}")
