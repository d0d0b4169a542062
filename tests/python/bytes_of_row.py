"""Prints as JSON the key and the SHA-256 of the exact bytes of one row of a landed table.

Arguments: the Parquet file, the row group, the row in it.
"""

import hashlib
import json
import sys

import pyarrow.parquet as parquet

path, group, row = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
table = parquet.ParquetFile(path).read_row_group(group, columns=["key", "raw", "raw_bytes"])
record = table.slice(row, 1).to_pylist()[0]
exact = record["raw"].encode() if record["raw_bytes"] is None else record["raw_bytes"]
print(json.dumps({"key": record["key"], "sha256": hashlib.sha256(exact).hexdigest()}))
