"""Redrive: `StartMessageMoveTask`, `ListMessageMoveTasks` and `ListDeadLetterSourceQueues`.

As on AWS: the source must be the DLQ of an SQS queue (one that only SNS or Lambda feeds is refused); a message goes
back to the queue that it died in, or to `DestinationArn`; a message that was sent straight into the DLQ died nowhere,
so without a destination the task fails there; what moves gets a new id, a new timestamp and no receives; messages in
flight stay.

Unlike AWS, a task is over when it has started: it has no speed (`MaxNumberOfMessagesPerSecond` is ignored) and cannot
be cancelled. Only the JSON protocol is spoken, which is that of every current SDK.
"""

import json
import time
import uuid

from ministack.core.concurrency import esm_wake
from ministack.services import sqs

_SOURCE = "DeadLetterQueueSourceArn"
_tasks: list[dict] = []  # the latest first


def fill() -> None:
    sqs._HANDLERS.update(
        StartMessageMoveTask=_start_message_move_task,
        ListMessageMoveTasks=_list_message_move_tasks,
        ListDeadLetterSourceQueues=_list_dead_letter_source_queues,
    )


def _start_message_move_task(request: dict, _url: str) -> dict:
    source = _queue(request.get("SourceArn", ""), "SourceArn", "sqs:StartMessageMoveTask")
    destination = request.get("DestinationArn")
    if destination:
        _queue(destination, "DestinationArn", "sqs:SendMessage")
    if not _source_queues(source):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")

    with sqs._queues_lock:
        waiting = [message for message in source["messages"] if message["visible_at"] <= time.time()]
        moved, failure = _move(source, waiting, destination)
    task = {
        "Status": "FAILED" if failure else "COMPLETED",
        "SourceArn": request["SourceArn"],
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": len(waiting),
        "StartedTimestamp": int(time.time() * 1000),
    }
    if destination:
        task["DestinationArn"] = destination
    if failure:
        task["FailureReason"] = failure
    _tasks.insert(0, task)
    esm_wake.set()
    return {"TaskHandle": str(uuid.uuid4())}


def _move(source: dict, messages: list[dict], destination: str | None) -> tuple[int, str | None]:
    """Moves messages until one cannot be; returns how many were, and why no more. Holds the queues' lock."""
    for moved, message in enumerate(messages):
        died_in = (message.get("sys") or {}).get(_SOURCE)
        if not (destination or died_in):
            return moved, "CouldNotDetermineMessageSource"
        target = sqs._queue_by_arn(destination or died_in)
        if target is None:
            return moved, "AWS.SimpleQueueService.NonExistentQueue"
        source["messages"].remove(message)
        target["messages"].append(_as_new(message))
    return len(messages), None


def _as_new(message: dict) -> dict:
    now = time.time()
    system = {name: value for name, value in (message.get("sys") or {}).items() if name != _SOURCE}
    return {
        **message,
        "id": str(uuid.uuid4()),
        "sent_at": now,
        "visible_at": now,
        "receive_count": 0,
        "receipt_handle": None,
        "first_receive_at": None,
        "sys": {**system, "SentTimestamp": str(int(now * 1000))},
    }


def _list_message_move_tasks(request: dict, _url: str) -> dict:
    source_arn = request.get("SourceArn", "")
    _queue(source_arn, "SourceArn", "sqs:ListMessageMoveTasks")
    of_source = [task for task in _tasks if task["SourceArn"] == source_arn]
    return {"Results": of_source[: int(request.get("MaxResults") or 1)]}


def _list_dead_letter_source_queues(request: dict, url: str) -> dict:
    queue = sqs._get_q(request.get("QueueUrl") or url, "sqs:ListDeadLetterSourceQueues")
    return {"queueUrls": [source["url"] for source in _source_queues(queue)]}


def _queue(arn: str, parameter: str, action: str) -> dict:
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        message = f"The resource that you specified for the {parameter} parameter doesn't exist."
        raise sqs._Err("ResourceNotFoundException", message, 404)
    sqs._enforce_queue_policy(queue, action)
    return queue


def _source_queues(dead_letter_queue: dict) -> list[dict]:
    arn = dead_letter_queue["attributes"]["QueueArn"]
    return [queue for queue in sqs._queues.values() if arn == _dead_letter_target(queue)]


def _dead_letter_target(queue: dict) -> str | None:
    return json.loads(queue["attributes"].get("RedrivePolicy") or "{}").get("deadLetterTargetArn")
