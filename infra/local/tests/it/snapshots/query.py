"""Rows of snapshots of scores, as DuckDB and Polars read them from a folder, with what the names of its folders say."""

import json
import sys
from decimal import Decimal

import duckdb
import polars

COLUMNS = "shop_id period city count sum n1 n2 n3 n4 n5 mean score revision".split()
FILES = sys.argv[1] + "/scores/*/*/*.parquet"


def plain(values) -> dict:
    row = dict(zip(["dt", "hour", *COLUMNS], values))
    assert all(isinstance(row[name], (Decimal, type(None))) for name in ["mean", "score"]), row
    row |= {name: None if row[name] is None else f"{row[name]:f}" for name in ["mean", "score"]}
    return row | {"dt": str(row["dt"]), "hour": int(row["hour"]), "n": [row[f"n{stars}"] for stars in range(1, 6)]}


by_duckdb = duckdb.execute(
    f"SELECT dt, hour, {', '.join(COLUMNS)} FROM read_parquet(?, hive_partitioning = true)", [FILES]
).fetchall()
by_polars = polars.scan_parquet(FILES, hive_partitioning=True).select("dt", "hour", *COLUMNS).collect().rows()
print(json.dumps([[plain(row) for row in rows] for rows in [by_duckdb, by_polars]]))
