"""A message that SQS has accepted is not lost.

In ministack, whoever removes messages copies the queue's list and puts the copy in its place; the event source mapping
does so under the queues' lock, DeleteMessage without it. When a function deletes a message of its own while the mapping
deletes others, one copy replaces the other, and what SNS, S3's notifications or SendMessage appended meanwhile is lost.
Here everything that touches a queue's messages holds the one lock.

Long polling does not hold it while it waits.
"""

import functools
import threading

from ministack.services import s3, sns, sqs

# What of `sqs` reads and writes `queue["messages"]` in one go, and is not a coroutine.
_STEPS = (
    "_act_change_visibility",
    "_act_change_visibility_batch",
    "_act_delete_message",
    "_act_delete_message_batch",
    "_act_purge_queue",
    "_act_send_message",
    "_collect_msgs",
    "_dlq_sweep",
    "_expire_retained",
    "_refresh_counts",
)


def fill() -> None:
    # Reentrant, because these steps call each other.
    sqs._queues_lock = threading.RLock()
    for name in _STEPS:
        original = getattr(sqs, name)
        locked = _locked(original)
        setattr(sqs, name, locked)
        for action, handler in sqs._HANDLERS.items():
            if handler is original:
                sqs._HANDLERS[action] = locked
    s3._deliver_event_to_sqs = _locked(s3._deliver_event_to_sqs)
    sns._deliver_to_sqs = _locked(sns._deliver_to_sqs)


def _locked(step):
    @functools.wraps(step)
    def holding_the_lock(*args, **kwargs):
        with sqs._queues_lock:
            return step(*args, **kwargs)

    return holding_the_lock
