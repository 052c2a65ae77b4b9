"""The lanes of each mapping, and how far each has come in its stream.

A thread a lane, so that nothing waits for a slow function but its own lane. A lane reads the whole stream and takes the
records of its items; its place moves on when a batch is done. The mapping's place, from which a new reader would begin,
is that of the lane that is furthest behind.
"""

import json
import logging
import threading
import time
import zlib

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import dynamodb, lambda_svc

from . import batch, role

_PAYLOAD_BYTES_MAX = 6 * 1024 * 1024
_READ_RECORDS = 1000
# Writes wake the lanes; this is for what nobody tells them, such as a function that is there at last.
_IDLE_SECONDS = 1.0

_logger = logging.getLogger(__name__)
_readers: dict[str, "Reader"] = {}


def poll() -> bool:
    """Has a reader run for each mapping, and wakes those that wait. ministack calls it after each write to a stream."""
    for account, region, mapping in lambda_svc._iter_all_esms():
        if not _is_on(mapping):
            continue
        reader = _readers.get(mapping["UUID"])
        if reader is None or reader.ended():
            reader = _readers[mapping["UUID"]] = Reader(account, region, mapping)
            reader.start()
        reader.wake()
    return False


def _is_on(mapping: dict) -> bool:
    return ":dynamodb:" in mapping.get("EventSourceArn", "") and bool(mapping.get("Enabled", True))


def _lane_count(mapping: dict) -> int:
    return int(mapping.get("ParallelizationFactor") or 1)


class Reader:
    """One mapping's lanes. It ends when the mapping is deleted, switched off or gets another number of lanes."""

    def __init__(self, account: str, region: str, mapping: dict):
        self.account, self.region, self.mapping = account, region, mapping
        self._key = (account, region, mapping["UUID"])
        self.lanes = [Lane(self, number) for number in range(_lane_count(mapping))]

    def start(self) -> None:
        for lane in self.lanes:
            lane.thread.start()

    def ended(self) -> bool:
        return not any(lane.thread.is_alive() for lane in self.lanes)

    def wake(self) -> None:
        for lane in self.lanes:
            lane.woken.set()

    def live(self) -> bool:
        mapping = lambda_svc._esms._data.get(self._key)
        return mapping is self.mapping and _is_on(mapping) and _lane_count(mapping) == len(self.lanes)

    def first_place(self) -> int | None:
        """Where the mapping is. ministack has noted where it starts, when it was made; a deleted one is nowhere."""
        with lambda_svc._dynamodb_stream_positions_lock:
            return lambda_svc._dynamodb_stream_positions._data.get(self._key)

    def save_place(self) -> None:
        places = [lane.place for lane in self.lanes]
        with lambda_svc._dynamodb_stream_positions_lock:
            # A lane that has not begun is at the mapping's place; a deleted mapping has none.
            if None not in places and self.live():
                lambda_svc._dynamodb_stream_positions._data[self._key] = min(places)


class Lane:
    """One of a mapping's lanes."""

    def __init__(self, reader: Reader, number: int):
        self.reader, self.number = reader, number
        self.place: int | None = None
        self.woken = threading.Event()
        name = f"{reader.mapping['FunctionName']}-{number}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        _request_account_id.set(self.reader.account)
        _request_region.set(self.reader.region)
        while self.reader.live():
            self.woken.clear()
            try:
                worked = self._step()
            except Exception:
                # One mapping's trouble must not end it: it is tried again when the lane wakes.
                _logger.exception("mapping %s could not go on", self.reader.mapping["UUID"])
                worked = False
            if not worked:
                self.woken.wait(_IDLE_SECONDS)
        _logger.info("lane %d of mapping %s reads no more", self.number, self.reader.mapping["UUID"])

    def _step(self) -> bool:
        """Reads a batch and finishes it; false if there is nothing to do for now."""
        mapping = self.reader.mapping
        function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        stream_arn = mapping["EventSourceArn"]
        table_name = stream_arn.split(":table/")[1].split("/")[0]
        table = dynamodb._tables.get(table_name)
        if function is None or table is None or table.get("LatestStreamArn") != stream_arn:
            return False
        if self.place is None:
            self.place = self.reader.first_place()
        if self.place is None:
            return False

        gathering = self._gather(table_name)
        if gathering.records:
            if not self._may_read(function, stream_arn):
                return False
            if not batch.finish(mapping, function, gathering.records, self.reader.live):
                return False
        moved = gathering.place > self.place
        self.place = gathering.place
        self.reader.save_place()
        return moved

    def _gather(self, table_name: str) -> "Gathering":
        """The next batch: full, or what there is when the batching window ends."""
        mapping = self.reader.mapping
        gathering = Gathering(self, table_name)
        gathering.read_on()
        until = time.monotonic() + float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        while gathering.records and not gathering.full and self.reader.live():
            left = until - time.monotonic()
            if left <= 0:
                break
            self.woken.wait(left)
            self.woken.clear()
            gathering.read_on()
        return gathering

    def takes(self, record: dict) -> bool:
        keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True).encode()
        if zlib.crc32(keys) % len(self.reader.lanes) != self.number:
            return False
        return bool(lambda_svc._apply_filter_criteria([record], self.reader.mapping))

    def _may_read(self, function: dict, stream_arn: str) -> bool:
        try:
            for action in ("DescribeStream", "GetShardIterator", "GetRecords"):
                role.require(function, f"dynamodb:{action}", stream_arn, self.reader.region)
        except role.Denied as denied:
            self.reader.mapping["LastProcessingResult"] = f"PROBLEM: {denied}"
            _logger.error("mapping %s cannot read: %s", self.reader.mapping["UUID"], denied)
            return False
        return True


class Gathering:
    """A batch that is being read."""

    def __init__(self, lane: Lane, table_name: str):
        self._lane, self._table_name = lane, table_name
        self._records_max = int(lane.reader.mapping.get("BatchSize") or 100)
        self._bytes = len('{"Records": []}')
        self.records: list[dict] = []
        self.place = max(lane.place, dynamodb.stream_start_position(table_name))  # after what was read
        self.full = False

    def read_on(self) -> None:
        """Reads until the batch is full or the stream is at its end."""
        while read := dynamodb.stream_records_since(self._table_name, self.place, _READ_RECORDS):
            for record in read:
                if self._lane.takes(record) and not self._add(record):
                    return
                self.place += 1
                if self.full:
                    return

    def _add(self, record: dict) -> bool:
        """False if the record would be too much, and has to begin the next batch."""
        size = len(json.dumps(record).encode()) + len(", ")
        if self.records and self._bytes + size > _PAYLOAD_BYTES_MAX:
            self.full = True
            return False
        self.records.append(record)
        self._bytes += size
        self.full = len(self.records) >= self._records_max
        return True
