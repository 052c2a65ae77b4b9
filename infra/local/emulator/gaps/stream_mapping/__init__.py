"""The stream of a table comes to its function as Lambda brings it, with its retries and its failures.

As on AWS:

- Batches: at most `BatchSize` records and 6 MB; a batch that is not full waits `MaximumBatchingWindowInSeconds`. It
  starts at `TRIM_HORIZON` or `LATEST`; what `FilterCriteria` leave out is not seen. A batch is done before the next.
- `ParallelizationFactor`: so many lanes a shard, each with batches of its own. An item is always in the same lane.
- Whatever fails is tried again, `MaximumRetryAttempts` times, until it is older than `MaximumRecordAgeInSeconds`. What
  is too old already is not even tried. A function that cannot be invoked uses up no retry.
- `BisectBatchOnFunctionError`: what failed is split in two halves, in order. This uses up no retry.
- `ReportBatchItemFailures`: from the lowest returned sequence number on, everything is tried again, in one piece. A
  retry is used up when that is everything. Nothing returned is success; a response or a number that cannot be
  understood is failure of the whole batch.
- What is given up goes to the destination `OnFailure`, and the mapping goes on. The function's role must allow it to
  read the stream and to write to the destination.

ministack retries without end, knows no lanes, no bisection and no partial responses, and calls one function after the
other, so that a slow one stalls every queue and stream.

Unlike AWS: a stream is one shard for ever; waits between attempts are short; no tumbling windows; a mapping that is
switched off in the midst of a batch begins with the whole batch again; records that are being retried are not trimmed
after 24 hours; the mapping's metrics (`MetricsConfig`) are not counted.

`reader` has the lanes and their places in the stream, `batch` what becomes of a batch, `destination` where it rests,
`role` what the function's role allows.
"""

from ministack.services import lambda_svc

from . import reader


def fill() -> None:
    lambda_svc._poll_dynamodb_streams = reader.poll
