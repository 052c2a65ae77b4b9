"""What becomes of a batch: it is invoked until each record in it is handled or given up.

Knows nothing of the stream that the batch was read from, nor of lanes.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ministack.services import lambda_svc

from . import destination

# AWS does not say how long it waits between attempts; so short that tests need not be patient.
_BACKOFF_SECONDS_MIN = 0.1
_BACKOFF_SECONDS_MAX = 2.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """What is left of a batch, or of a half of it."""

    records: list[dict]
    retries: int = 0  # used up
    attempts: int = 0  # since it is this part, for the wait between them
    invocations: int = 0  # that had its first record in them
    function_error: bool = False  # in the last of them


def finish(mapping: dict, function: dict, records: list[dict], live: Callable[[], bool]) -> bool:
    """Sees each record handled or given up, in order. False if the mapping was ended before."""
    parts = [Part(records)]
    while parts:
        part = parts.pop(0)
        if not (_wait(part, live) and live()):
            return False
        part = _without_aged(mapping, function, part)
        if part.records:
            parts[:0] = _attempt(mapping, function, part, live)
    return live()


def _wait(part: Part, live: Callable[[], bool]) -> bool:
    """Waits before another attempt; false if the mapping was ended meanwhile."""
    if part.attempts == 0:
        return True
    seconds = min(_BACKOFF_SECONDS_MIN * 2 ** (part.attempts - 1), _BACKOFF_SECONDS_MAX)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not live():
            return False
        time.sleep(min(left, 0.1))
    return True


def _without_aged(mapping: dict, function: dict, part: Part) -> Part:
    """Gives up the records that are too old, which are the first ones."""
    age_max = _limit(mapping, "MaximumRecordAgeInSeconds")
    if age_max is None:
        return part
    oldest = time.time() - age_max
    young = 0
    while young < len(part.records) and part.records[young]["dynamodb"]["ApproximateCreationDateTime"] < oldest:
        young += 1
    if young:
        _give_up(mapping, function, replace(part, records=part.records[:young]), "RecordAgeExceeded")
    return replace(part, records=part.records[young:])


def _attempt(mapping: dict, function: dict, part: Part, live: Callable[[], bool]) -> list[Part]:
    """Invokes the function once; returns what has to be tried again, in order."""
    result = lambda_svc._execute_function(function, {"Records": part.records})
    if result.get("throttle"):
        # Not invoked, so no retry is used up.
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        return [replace(part, attempts=part.attempts + 1)]
    if not live():
        # Nobody knows what the function did when the emulator ended it; so nothing follows from it.
        return [part]

    handled = _handled(mapping, part.records, result)
    part = replace(part, invocations=part.invocations + 1, function_error=bool(result.get("error")))
    _note(mapping, part, result, handled)
    if handled == len(part.records):
        return []
    if handled:
        # The split is at the number that was returned; what is left is a batch of its own.
        return [replace(part, records=part.records[handled:], attempts=0)]
    if handled is None and mapping.get("BisectBatchOnFunctionError") and len(part.records) > 1:
        middle = (len(part.records) + 1) // 2
        halves = (part.records[:middle], part.records[middle:])
        return [replace(part, records=half, attempts=0) for half in halves]

    retries_max = _limit(mapping, "MaximumRetryAttempts")
    if retries_max is not None and part.retries >= retries_max:
        _give_up(mapping, function, part, "RetryAttemptsExhausted")
        return []
    return [replace(part, retries=part.retries + 1, attempts=part.attempts + 1)]


def _handled(mapping: dict, records: list[dict], result: dict) -> int | None:
    """How many of the records, from the first on, are handled. None if the batch as a whole failed."""
    if result.get("error"):
        return None
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []):
        return len(records)
    response = result.get("body")
    if response in (None, ""):
        return len(records)
    if not isinstance(response, dict):
        return None
    failures = response.get("batchItemFailures")
    if failures is None:
        return len(records)
    if not isinstance(failures, list):
        return None
    places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(records)}
    returned = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    if not all(isinstance(number, str) and number in places for number in returned):
        return None
    return min((places[number] for number in returned), default=len(records))


def _give_up(mapping: dict, function: dict, part: Part, condition: str) -> None:
    failure = {"condition": condition, "invocations": part.invocations, "function_error": part.function_error}
    destination.deliver(mapping, function, part.records, failure)


def _limit(mapping: dict, name: str) -> int | None:
    """A limit of the mapping; absent and -1 mean that there is none."""
    value = mapping.get(name)
    return None if value is None or int(value) < 0 else int(value)


def _note(mapping: dict, part: Part, result: dict, handled: int | None) -> None:
    """Says in the log, and to whoever asks for the mapping, how an invocation went."""
    name, count = mapping["FunctionName"], len(part.records)
    if handled == count:
        mapping["LastProcessingResult"] = f"OK - {count} records"
        _logger.info("%s has handled %d records", name, count)
    else:
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
        said = json.dumps(result.get("body"), default=str)
        _logger.warning("%s has handled %d of %d records: %.500s", name, handled or 0, count, said)
    if result.get("log"):
        _logger.info("%s said:\n%s", name, result["log"])
