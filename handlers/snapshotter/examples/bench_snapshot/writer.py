"""Writes the rows of a file again, as often as it is asked to: a line on standard input, a line on standard output."""

import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq

pa.set_cpu_count(1)
pa.set_io_thread_count(1)
length, group_rows = int(sys.argv[1]), int(sys.argv[2])
given = pq.read_table(pa.BufferReader(sys.stdin.buffer.read(length)), use_threads=False)
# The narrowest decimals that there are, so that none has to be made narrower.
narrow = [pa.field(f.name, pa.decimal32(7, 6), f.nullable) if pa.types.is_decimal(f.type) else f for f in given.schema]
rows = pa.Table.from_batches(given.cast(pa.schema(narrow)).combine_chunks().to_batches())
written = None
for line in sys.stdin.buffer:
    how = line.decode().strip()
    if how == "same":
        print(pq.read_table(pa.BufferReader(written)).cast(given.schema).equals(given), flush=True)
        continue
    sink = pa.BufferOutputStream()
    size = group_rows if how == "groups" else None
    begun = time.process_time_ns()
    # zstd at its default level, integers for decimals as in the file that was given, and all else as it is by default.
    pq.write_table(rows, sink, compression="zstd", store_decimal_as_integer=True, row_group_size=size)
    took = time.process_time_ns() - begun
    written = sink.getvalue()
    print(took, written.size, flush=True)
