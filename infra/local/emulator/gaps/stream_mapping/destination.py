"""Where records rest that a mapping has given up: the destination `OnFailure`.

S3 gets the whole event as `payload`, a string of JSON; a queue or a topic gets only what it would need to find the
records in the stream. As on AWS, records are dropped if they cannot be delivered; here the log says so.

FIFO queues and topics are not known here.
"""

import json
import logging
import time
import uuid

from ministack.services import dynamodb_streams, s3, sns, sqs

from . import role

_logger = logging.getLogger(__name__)


def deliver(mapping: dict, function: dict, records: list[dict], failure: dict) -> None:
    """Delivers records that were given up; `failure` has what the record says beside them."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    what = f"mapping {mapping['UUID']} has given up {len(records)} records ({failure['condition']})"
    if not destination:
        _logger.error("%s, and has no destination: they are dropped", what)
        return
    try:
        _send(destination, mapping, function, records, failure)
        _logger.warning("%s: they are in %s", what, destination)
    except Exception as error:
        # Whatever it is, the records are gone with it.
        _logger.exception("%s, and could not deliver them to %s: they are dropped: %s", what, destination, error)


def _send(destination: str, mapping: dict, function: dict, records: list[dict], failure: dict) -> None:
    record = invocation_record(mapping, function, records, failure)
    region = records[0]["awsRegion"]
    service = destination.split(":")[2]
    if service == "s3":
        bucket = destination.rsplit(":", 1)[-1]
        key = object_key(mapping["UUID"], time.gmtime())
        role.require(function, "s3:ListBucket", destination, region)
        role.require(function, "s3:PutObject", f"{destination}/{key}", region)
        body = json.dumps({**record, "payload": json.dumps({"Records": records})}).encode()
        status, _headers, answer = s3._put_object(bucket, key, body, {"content-type": "application/json"})
        if status >= 300:
            raise RuntimeError(f"S3 answered {status}: {answer!r}")
    elif service == "sqs":
        role.require(function, "sqs:SendMessage", destination, region)
        queue = sqs._queue_by_arn(destination)
        if queue is None:
            raise RuntimeError("there is no such queue")
        sqs._act_send_message({"MessageBody": json.dumps(record)}, queue["url"])
    elif service == "sns":
        role.require(function, "sns:Publish", destination, region)
        if sns._topic_by_arn_any_scope(destination) is None:
            raise RuntimeError("there is no such topic")
        sns._fanout(destination, str(uuid.uuid4()), json.dumps(record), "")
    else:
        raise RuntimeError("this is neither S3 nor SQS nor SNS")


def object_key(mapping_uuid: str, now: time.struct_time) -> str:
    shard = dynamodb_streams._DEFAULT_SHARD_ID
    return f"aws/lambda/{mapping_uuid}/{shard}/{time.strftime('%Y/%m/%d/%Y-%m-%dT%H.%M.%S', now)}-{uuid.uuid4()}"


def invocation_record(mapping: dict, function: dict, records: list[dict], failure: dict) -> dict:
    """What every destination gets."""
    now = time.time()
    first, last = records[0]["dynamodb"], records[-1]["dynamodb"]
    record = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": failure["condition"],
            "approximateInvokeCount": failure["invocations"],
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": function["config"].get("Version", "$LATEST"),
            "functionError": "Unhandled" if failure["function_error"] else None,
        },
        "version": "1.0",
        "timestamp": f"{_time(now)[:-1]}.{int(now * 1000) % 1000:03}Z",
        "DDBStreamBatchInfo": {
            "shardId": dynamodb_streams._DEFAULT_SHARD_ID,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": _time(first["ApproximateCreationDateTime"]),
            "approximateArrivalOfLastRecord": _time(last["ApproximateCreationDateTime"]),
            "batchSize": len(records),
            "streamArn": mapping["EventSourceArn"],
        },
    }
    if not failure["invocations"]:
        # Too old before the function saw them, so there was no response.
        del record["responseContext"]
    return record


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
