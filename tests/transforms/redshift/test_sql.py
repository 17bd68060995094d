"""The text of each statement for Redshift: a change of it must be meant."""

import pyarrow as pa

from transforms.redshift import sql
from transforms.redshift.fences import insert_all
from transforms.redshift.layout import Column, ColumnType, columns_of
from transforms.redshift.sql import Statements

HERE = Statements("wh")
COLUMNS = columns_of(
    pa.schema(
        [
            pa.field("_offset", pa.int64()),
            pa.field("note", pa.string()),
            pa.field("price", pa.decimal128(9, 2)),
        ]
    ),
    {"note": 20},
)


class TestStaging:
    def test_a_staging_table_has_the_columns_of_its_files(self):
        assert sql.create_staging("load_staging", COLUMNS) == (
            'CREATE TEMP TABLE "load_staging" '
            '("_offset" BIGINT, "note" VARCHAR(20), "price" DECIMAL(9,2))'
        )

    def test_copy_names_a_manifest_and_the_default_role(self):
        assert sql.copy(
            "load_staging", "s3://b/l/_manifests/w/loads/1-0.json", "default", COLUMNS
        ) == (
            "COPY \"load_staging\" FROM 's3://b/l/_manifests/w/loads/1-0.json' IAM_ROLE default "
            "FORMAT AS PARQUET MANIFEST STATUPDATE OFF"
        )

    def test_copy_names_another_role_and_how_lists_are_loaded(self):
        nested = [Column("codes", ColumnType("SUPER"))]
        text = sql.copy("s", "s3://b/m", "arn:aws:iam::123456789012:role/copy", nested)
        assert text == (
            "COPY \"s\" FROM 's3://b/m' IAM_ROLE 'arn:aws:iam::123456789012:role/copy' "
            "FORMAT AS PARQUET SERIALIZETOJSON MANIFEST STATUPDATE OFF"
        )

    def test_rows_are_appended_by_name(self):
        assert HERE.append("raw_order", "load_staging", COLUMNS, 7) == (
            'INSERT INTO "wh"."raw_order" (_load_id, "_offset", "note", "price") '
            'SELECT 7, "_offset", "note", "price" FROM "load_staging"'
        )


class TestFences:
    def test_the_lock_is_taken_without_a_mode(self):
        assert HERE.lock() == 'LOCK "wh"."load_lock"'

    def test_fences_begin_where_nothing_was_read(self):
        assert HERE.begin_fences("new_fences") == (
            'INSERT INTO "wh"."load_fences" (lake_id, topic, topic_id, partition_number, '
            "table_name, fence, seq, commit_sha256) SELECT %s, topic, topic_id, partition_number, "
            'table_name, read_fence, read_seq, read_sha256 FROM "new_fences" WHERE read_seq = -1'
        )

    def test_fences_move_only_from_where_they_were_read(self):
        assert HERE.move_fences("new_fences") == (
            'UPDATE "wh"."load_fences" SET fence = m.fence, seq = m.seq, commit_sha256 = '
            'm.commit_sha256 FROM "new_fences" m WHERE load_fences.lake_id = %s AND '
            "load_fences.topic = m.topic AND load_fences.topic_id = m.topic_id AND "
            "load_fences.partition_number = m.partition_number AND load_fences.table_name = "
            "m.table_name AND load_fences.fence = m.read_fence AND load_fences.seq = m.read_seq "
            "AND load_fences.commit_sha256 = m.read_sha256"
        )

    def test_fences_and_history_are_read_whole(self):
        assert HERE.fences() == (
            "SELECT lake_id, topic, topic_id, partition_number, table_name, fence, seq, "
            'commit_sha256 FROM "wh"."load_fences"'
        )
        assert HERE.last_loads() == (
            "SELECT h.table_name, h.load_id, h.rows_loaded, h.rows_rejected, h.fences_sha256 FROM "
            '"wh"."load_history" h JOIN (SELECT table_name, MAX(load_id) AS newest, MAX(CASE WHEN '
            "rows_loaded > 0 THEN load_id END) AS brought, MAX(CASE WHEN rows_rejected > 0 THEN "
            'load_id END) AS refused FROM "wh"."load_history" GROUP BY table_name) m ON '
            "h.table_name = m.table_name AND (h.load_id = m.newest OR h.load_id = m.brought OR "
            "h.load_id = m.refused)"
        )
        assert HERE.rejects_since() == (
            'SELECT r.table_name, COUNT(*) FROM "wh"."load_rejects" r LEFT JOIN (SELECT '
            'table_name, MAX(load_id) AS load_id FROM "wh"."load_history" WHERE rows_rejected > 0 '
            "GROUP BY table_name) m ON r.table_name = m.table_name WHERE r.load_id >= "
            "COALESCE(m.load_id, 0) GROUP BY r.table_name"
        )


def test_a_table_is_forgotten_without_truncate():
    assert HERE.forget("raw_order") == [
        'DELETE FROM "wh"."raw_order"',
        'DELETE FROM "wh"."load_fences" WHERE table_name = \'raw_order\'',
        'DELETE FROM "wh"."load_rejects" WHERE table_name = \'raw_order\'',
        'DELETE FROM "wh"."load_history" WHERE table_name = \'raw_order\'',
    ]


class TestProof:
    def test_rows_are_told_as_runs_of_offsets(self):
        keys = "_topic, _topic_id, _partition, _row"
        assert HERE.runs("raw_order") == (
            f"SELECT {keys}, MIN(_offset), MAX(_offset) FROM (SELECT {keys}, _offset, "
            f"_offset - ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY _offset) AS island "
            f'FROM "wh"."raw_order") r GROUP BY {keys}, island'
        )


class TestValues:
    def test_names_and_literals_keep_their_quotes_to_themselves(self):
        assert sql.quoted('a"b') == '"a""b"'
        assert sql.literal("it's a \\") == "'it''s a \\\\'"

    def test_rows_are_inserted_in_few_statements_of_bounded_size(self):
        sent = []

        class Recorder:
            def execute(self, text, values):
                sent.append((text.count("(%s"), len(values)))

        rows = [tuple(range(11)) for _ in range(100)]
        insert_all(Recorder(), '"t"', sql.REJECT_COLUMNS, rows)
        assert sent == [(45, 495), (45, 495), (10, 110)]
        assert all(size <= sql.MAX_PARAMETERS for _, size in sent)
