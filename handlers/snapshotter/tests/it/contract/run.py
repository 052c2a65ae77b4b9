"""Runs snippets of DuckDB or of Polars, and prints what each finds: a list of rows each."""

import json
import sys
from datetime import datetime, timezone
from decimal import Decimal


def plain(value):
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        assert value.utcoffset() is not None, "a time without its zone"
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return value


found = []
if sys.argv[1] == "duckdb":
    import duckdb

    connection = duckdb.connect()
    for snippet in json.load(sys.stdin):
        # What is of S3 alone has no rows.
        if "CREATE SECRET" not in snippet:
            found.append(connection.execute(snippet).fetchall())
else:
    names = {}
    for snippet in json.load(sys.stdin):
        exec(snippet, names)
        found.append(names["found"].rows())
print(json.dumps([[[plain(value) for value in row] for row in rows] for rows in found]))
