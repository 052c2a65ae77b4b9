"""Sends and S3 notifications on some threads, two consumers that delete on others; says how many messages were lost.

One consumer deletes as the event source mapping does, the other as a function does.

With the argument `unpatched` on ministack as it is, to see that there is something to patch.
"""

import sys
import threading

from emulator.gaps import queue_lock
from ministack.services import s3, sqs

SENDERS, EACH = 6, 1000


def main() -> None:
    if "unpatched" not in sys.argv:
        queue_lock.fill()
    sys.setswitchinterval(1e-6)  # as many changes of thread as there can be
    url = sqs._act_create_queue({"QueueName": "uploads"}, "")["QueueUrl"]
    arn = sqs._queues[url]["attributes"]["QueueArn"]
    # Some stay, so that a deletion has a list to copy.
    for number in range(200):
        sqs._act_send_message({"MessageBody": f"stays {number}"}, url)
    sqs._receive_messages_for_esm(url, 10)

    def send(sender: int) -> None:
        for number in range(EACH):
            if sender % 2:
                sqs._act_send_message({"MessageBody": f"{sender} {number}"}, url)
            else:
                s3._deliver_event_to_sqs(arn, {"sender": sender, "number": number}, arn.split(":")[3])

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for sender in senders:
        sender.start()
    deleted = set()

    def consume(delete) -> None:
        while any(sender.is_alive() for sender in senders):
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
    lost = 200 + SENDERS * EACH - len(there)
    print(f"lost {lost} of {SENDERS * EACH}")


main()
