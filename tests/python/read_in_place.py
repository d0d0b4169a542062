"""Reads a sealed snapshot's Parquet where it lies, with DuckDB and with pyarrow, and prints as JSON
what they see.

Arguments: the snapshot's folder, a stream, a path into its records' JSON, as in $.id.
"""

import json
import sys

import duckdb
import pyarrow.parquet as parquet

folder, stream, path = sys.argv[1:]
records = f"read_parquet('{folder}/data/{stream}/*.parquet')"
exchanges = f"read_parquet('{folder}/data/exchanges/*.parquet')"


def rows(sql):
    return duckdb.sql(sql).fetchall()


schema = parquet.read_schema(f"{folder}/data/{stream}/part-00000.parquet")
print(
    json.dumps(
        {
            "count": rows(f"select count(*) from {records}")[0][0],
            "extracted": [
                row[0]
                for row in rows(
                    f"select raw ->> '{path}' from {records} order by exchange_id, ordinal"
                )
            ],
            "joined": rows(
                "select record.key, exchange.url, exchange.status"
                f" from {records} as record"
                f" inner join {exchanges} as exchange using (exchange_id)"
                " order by exchange_id, ordinal"
            ),
            "schema": {field.name: str(field.type) for field in schema},
        }
    )
)
