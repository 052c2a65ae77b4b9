"""Whoever sends to a queue waits for its lock, and nothing is lost: says how many do, and how many messages were lost.

The senders are SendMessage, an S3 notification and SNS. For the losses they send on some threads, while two consumers
delete on others: one as the event source mapping does, the other as a function does. A sender without the lock would
not show there, as long as CPython never changes threads in the middle of what it does; so that it waits is tried, too.

With the argument `unpatched` on ministack as it is, to see that there is something to patch.
"""

import sys
import threading

from emulator.gaps import queue_lock
from ministack.services import s3, sns, sqs

THREADS, EACH = 6, 1000
WAIT_SECONDS = 0.2


def main() -> None:
    if "unpatched" not in sys.argv:
        queue_lock.fill()
    sys.setswitchinterval(1e-6)  # as many changes of thread as there can be
    url = sqs._act_create_queue({"QueueName": "uploads"}, "")["QueueUrl"]
    arn = sqs._queues[url]["attributes"]["QueueArn"]
    senders = (
        lambda body: sqs._act_send_message({"MessageBody": body}, url),
        lambda body: s3._deliver_event_to_sqs(arn, {"body": body}, arn.split(":")[3]),
        lambda body: sns._deliver_to_sqs(arn, body, True, body),
    )
    print(f"{waiting(senders)} of {len(senders)} wait")
    sqs._act_purge_queue({}, url)
    print(f"lost {lost(senders, url)} of {THREADS * EACH}")


def waiting(senders) -> int:
    """How many senders wait for whoever holds the lock."""
    threads = [threading.Thread(target=send, args=("waits",)) for send in senders]
    with sqs._queues_lock:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        alive = sum(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    return alive


def lost(senders, url: str) -> int:
    """How many messages are neither in the queue nor were received."""
    # Some stay, so that a deletion has a list to copy.
    for number in range(200):
        sqs._act_send_message({"MessageBody": f"stays {number}"}, url)
    sqs._receive_messages_for_esm(url, 10)

    def send(thread: int) -> None:
        for number in range(EACH):
            senders[thread % len(senders)](f"{thread} {number}")

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    deleted = set()

    def consume(delete) -> None:
        while any(thread.is_alive() for thread in threads):
            messages = sqs._receive_messages_for_esm(url, 10)
            deleted.update(message["id"] for message in messages)
            delete([message["receipt_handle"] for message in messages])

    def as_function(handles: list[str]) -> None:
        for handle in handles:
            sqs._HANDLERS["DeleteMessage"]({"ReceiptHandle": handle}, url)

    function = threading.Thread(target=consume, args=(as_function,))
    function.start()
    consume(lambda handles: sqs._delete_messages_for_esm(url, set(handles)))
    function.join()
    there = deleted | {message["id"] for message in sqs._queues[url]["messages"]}
    return 200 + THREADS * EACH - len(there)


main()
