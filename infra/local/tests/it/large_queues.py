"""Whatever is done with queues, they answer with `large_queues` as they do without: says what was done, and a difference.

The same calls, made at random by a seed, go to ministack as it is and then to ministack with the gap filled, with a
clock and with ids that are the same for both. Compared is every answer, every error, whether the event source mapping
is woken, and what is in the queues. Then it is counted how many messages a call looks at when most of a queue is hidden,
and tried that the batches wait for the lock.

The Python here stands in for a client; nothing goes over HTTP.
"""

import asyncio
import collections
import itertools
import json
import random
import threading

from emulator.gaps import large_queues, queue_lock
from ministack.core.concurrency import esm_wake
from ministack.services import sqs

SEEDS, STEPS = range(20), 400
RETENTION_SECONDS = 60
HIDDEN = 2000
WAIT_SECONDS = 0.2


class Clock:
    now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


class History:
    """One queue with a DLQ, what is called on them, and what they answer."""

    def __init__(self, seed: int, name: str):
        self.random, self.clock, self.seen = random.Random(seed), Clock(), collections.Counter()
        sqs.time = large_queues.time = self.clock
        ids = itertools.count()
        sqs.new_uuid = lambda: f"id-{next(ids)}"
        sqs.reset()
        self.fifo = name.endswith(".fifo")
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if self.fifo else {}
        requests = [{"QueueName": name, "Attributes": attributes} for name in (name, f"dlq-{name}")]
        self.urls = [sqs._act_create_queue(request, "")["QueueUrl"] for request in requests]
        self.bodies, self.receipts, self.answers = itertools.count(), [], []

    def run(self) -> list:
        calls = (self.send, self.receive, self.receive_as_mapping, self.delete, self.delete_batch, self.delete_as_mapping)
        calls += (self.change, self.change_batch, self.attributes, self.wait, self.purge)
        weights = (30, 30, 8, 8, 10, 5, 6, 10, 2, 14, 0.3)
        for _ in range(STEPS):
            url = self.urls[self.random.random() < 0.2]
            call = self.random.choices(calls, weights)[0]
            esm_wake.clear()
            try:
                answer = call(url)
            except sqs._Err as error:
                answer = (error.code, error.message, error.status)
                self.seen[error.code] += 1
            contents = [self.content(url) for url in self.urls]
            self.answers.append((call.__name__, url, answer, esm_wake.is_set(), contents))
        return self.answers

    def content(self, url: str) -> list:
        fields = ("id", "body", "visible_at", "receive_count", "receipt_handle", "first_receive_at", "sent_at", "sys")
        return [[message.get(field) for field in fields] for message in sqs._queues[url]["messages"]]

    def call(self, action: str, url: str, **request):
        answer = sqs._HANDLERS[action](request, url)
        answer = asyncio.run(answer) if asyncio.iscoroutine(answer) else answer
        for failed in answer.get("Failed", []):
            self.seen[f"{action}: {failed['Code']}"] += 1
        return answer

    def send(self, url: str):
        body = f"body {next(self.bodies)}"
        if self.fifo:
            return self.call("SendMessage", url, MessageBody=body, MessageGroupId=self.random.choice("ab"))
        return self.call("SendMessage", url, MessageBody=body, DelaySeconds=self.random.choice([0, 0, 0, 5]))

    def receive(self, url: str):
        count, visibility = self.random.randint(1, 10), self.random.choice([0, 1, 5, 30])
        answer = self.call(
            "ReceiveMessage", url, MaxNumberOfMessages=count, VisibilityTimeout=visibility, AttributeNames=["All"]
        )
        self.receipts += [message["ReceiptHandle"] for message in answer.get("Messages", [])]
        return answer

    def receive_as_mapping(self, url: str):
        batch = sqs._receive_messages_for_esm(url, self.random.randint(1, 10))
        self.receipts += [message["receipt_handle"] for message in batch]
        return [message["id"] for message in batch]

    def receipt(self):
        """A recent one, which may be outdated; now and then one that never was."""
        known = self.receipts[-30:]
        return self.random.choice([*known, *known, "never", ""]) if known else "never"

    def delete(self, url: str):
        return self.call("DeleteMessage", url, ReceiptHandle=self.receipt())

    def change(self, url: str):
        return self.call("ChangeMessageVisibility", url, ReceiptHandle=self.receipt(), VisibilityTimeout=self.timeout())

    def timeout(self) -> int:
        return self.random.choice([0, 0, 3, 40])

    def entries(self, **more) -> list[dict]:
        # Too many, none, and ids that are not distinct are refused as a whole.
        count = self.random.choice([0, 1, 3, 5, 8, 10, 11])
        ids = [f"e{number}" for number in range(count)]
        if count and self.random.random() < 0.1:
            ids[-1] = self.random.choice([ids[0], "not an id"])
        entries = [{"Id": id, "ReceiptHandle": self.receipt(), **{k: v() for k, v in more.items()}} for id in ids]
        receipts = [entry["ReceiptHandle"] for entry in entries]
        self.seen["a receipt twice in one batch"] += len(set(receipts)) < len(receipts)
        return entries

    def delete_batch(self, url: str):
        return self.call("DeleteMessageBatch", url, Entries=self.entries())

    def change_batch(self, url: str):
        return self.call("ChangeMessageVisibilityBatch", url, Entries=self.entries(VisibilityTimeout=self.timeout))

    def delete_as_mapping(self, url: str):
        return sqs._delete_messages_for_esm(url, {self.receipt() for _ in range(4)})

    def attributes(self, url: str):
        """Another retention, another redrive policy or none."""
        dlq = sqs._queues[self.urls[1]]["attributes"]["QueueArn"]
        receives = self.random.randint(1, 4)
        policy = json.dumps({"deadLetterTargetArn": dlq, "maxReceiveCount": receives})
        changed = {"MessageRetentionPeriod": str(self.random.choice([RETENTION_SECONDS, 345600]))}
        if url == self.urls[0]:
            changed["RedrivePolicy"] = self.random.choice([policy, policy, ""])
        return self.call("SetQueueAttributes", url, Attributes=changed)

    def wait(self, url: str):
        self.clock.now += self.random.choice([0.1, 1, 1, 4, 20])
        before = len(sqs._queues[url]["messages"])
        counts = self.call("GetQueueAttributes", url)
        self.seen["expired"] += before - len(sqs._queues[url]["messages"])
        return counts

    def purge(self, url: str):
        return self.call("PurgeQueue", url)


class Watched(dict):
    """A message that notes that it was looked at."""

    looked_at: set = set()

    def __getitem__(self, key):
        Watched.looked_at.add(id(self))
        return super().__getitem__(key)

    def get(self, key, default=None):
        Watched.looked_at.add(id(self))
        return super().get(key, default)


def main() -> None:
    names = ("standard", "line.fifo")
    without = [[History(seed, name).run() for seed in SEEDS] for name in names]
    large_queues.fill()
    queue_lock.fill()
    seen = collections.Counter()
    for name, expected in zip(names, without):
        different = 0
        for seed in SEEDS:
            history = History(seed, name)
            differ = [pair for pair in zip(expected[seed], history.run()) if pair[0] != pair[1]]
            different += bool(differ)
            if differ:
                print(f"{name} {seed}: {differ[0][0][:4]} became {differ[0][1][:4]}")
            seen += history.seen
            redriven = [m for m in sqs._queues[history.urls[1]]["messages"] if "DeadLetterQueueSourceArn" in m["sys"]]
            seen["redriven"] += len(redriven)
        print(f"{name}: {different} of {len(SEEDS)} histories differ")
    print("never seen:", [what for what in MUST_BE_SEEN if seen[what] < len(SEEDS)])
    print(f"messages looked at in a call: at most {looked_at()} of {HIDDEN + 10}")
    print(f"{waiting()} of 4 wait")


MUST_BE_SEEN = (
    "expired",
    "redriven",
    "a receipt twice in one batch",
    "ReceiptHandleIsInvalid",
    "DeleteMessageBatch: ReceiptHandleIsInvalid",
    "ChangeMessageVisibilityBatch: ReceiptHandleIsInvalid",
    "EmptyBatchRequest",
    "TooManyEntriesInBatchRequest",
    "BatchEntryIdsNotDistinct",
    "InvalidBatchEntryId",
)


def looked_at() -> int:
    """The most messages that one call looks at, in a queue of which all but the last ten are hidden."""
    history = History(0, "standard")
    url = history.urls[0]
    dlq = sqs._queues[history.urls[1]]["attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": dlq, "maxReceiveCount": 5})
    history.call("SetQueueAttributes", url, Attributes={"RedrivePolicy": policy})
    for _ in range(HIDDEN + 10):
        history.send(url)
    queue = sqs._queues[url]
    history.clock.now += 10
    queue["messages"] = [Watched(message) for message in queue["messages"]]
    for _ in range(HIDDEN // 10):
        history.call("ReceiveMessage", url, MaxNumberOfMessages=10, VisibilityTimeout=600)
    calls = (
        lambda: history.call("ReceiveMessage", url, MaxNumberOfMessages=10, VisibilityTimeout=30),
        lambda: history.call("ReceiveMessage", url, MaxNumberOfMessages=10),
        lambda: history.call("ChangeMessageVisibilityBatch", url, Entries=entries),
        lambda: history.call("DeleteMessageBatch", url, Entries=entries),
        lambda: history.delete(url),
    )
    most = 0
    for call in calls:
        receipts = [dict.get(message, "receipt_handle") for message in queue["messages"]][-10:]
        history.receipts = receipts
        entries = [{"Id": str(i), "ReceiptHandle": r, "VisibilityTimeout": 40} for i, r in enumerate(receipts)]
        Watched.looked_at.clear()
        call()
        most = max(most, len(Watched.looked_at))
    return most


def waiting() -> int:
    """How many of the actions with receipts wait for whoever holds the lock."""
    history = History(0, "standard")
    entries = [{"Id": "one", "ReceiptHandle": "never"}]
    calls = [
        lambda action=action: sqs._HANDLERS[action]({"Entries": entries}, history.urls[0])
        for action in ("DeleteMessageBatch", "ChangeMessageVisibilityBatch")
    ]
    calls.append(lambda: sqs._delete_messages_for_esm(history.urls[0], {"never"}))
    calls.append(lambda: sqs._receive_messages_for_esm(history.urls[0], 1))
    threads = [threading.Thread(target=call) for call in calls]
    with sqs._queues_lock:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_SECONDS)
        alive = sum(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    return alive


main()
