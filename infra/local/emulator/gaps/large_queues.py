"""A queue of 100,000 messages answers nearly as fast as one of ten.

In ministack every call walks the whole list of a queue's messages, most calls several times. Here a standard queue has
`Messages` in place of the list, which find a message by its receipt and the visible ones without a look at the hidden
ones. What an action does is still ministack's own code: each is shown those few messages alone that it can be about.

FIFO queues stay as they are. Counting for GetQueueAttributes still looks at every message. The lock is `queue_lock`'s,
which has to be filled after this.
"""

import functools
import heapq
import itertools
import math
import time

from ministack.services import sqs

_RECEIPT_ACTIONS = (
    "_act_change_visibility",
    "_act_change_visibility_batch",
    "_act_delete_message",
    "_act_delete_message_batch",
)
_places = itertools.count()


def fill() -> None:
    for name in _RECEIPT_ACTIONS:
        original = getattr(sqs, name)
        narrowed = _narrowed_to_receipts(original)
        setattr(sqs, name, narrowed)
        for action, handler in sqs._HANDLERS.items():
            if handler is original:
                sqs._HANDLERS[action] = narrowed
    sqs._delete_messages_for_esm = _narrowed_to_batch(sqs._delete_messages_for_esm)
    sqs._expire_retained = _expire_when_due(sqs._expire_retained)
    sqs._dlq_sweep = _sweep_what_came_back(sqs._dlq_sweep)
    sqs._collect_msgs = _collect_from_visible(sqs._collect_msgs)


class Messages:
    """Messages in the order in which they came. ministack appends, removes and iterates as with the list."""

    def __init__(self, messages: list[dict]):
        self.clear()
        for message in messages:
            self.put(message)

    def clear(self) -> None:
        self._by_place: dict[int, dict] = {}
        self._by_receipt: dict[str, dict] = {}
        # Every message is in one of these heaps. What is in them may be out of date: it is a reason to look, no more.
        self._hidden: list[tuple[float, int]] = []  # until when, place
        self._visible: list[int] = []  # places
        self._came_back: list[int] = []  # places
        # No message was enqueued earlier than that.
        self.oldest = math.inf
        self.swept_for: str | None = None

    def put(self, message: dict) -> None:
        """Takes note of the message's receipt and of when it is visible; of the message itself, if it is new here."""
        if self._by_place.get(message.get("place")) is not message:
            sqs._ensure_msg_fields(message)
            message["place"] = next(_places)
            self._by_place[message["place"]] = message
            self.oldest = min(self.oldest, _enqueued_at(message))
        if message["receipt_handle"] is not None:
            self._by_receipt[message["receipt_handle"]] = message
        self._sort(message, time.time())

    append = put

    def remove(self, message: dict) -> None:
        del self._by_place[message["place"]]
        self._by_receipt.pop(message["receipt_handle"], None)

    def __iter__(self):
        return iter(list(self._by_place.values()))

    def __len__(self) -> int:
        return len(self._by_place)

    def __getitem__(self, index: int) -> dict:
        return list(self._by_place.values())[index]

    def with_receipts(self, receipts) -> list[dict]:
        """Those whose latest receipts these are, each once."""
        known = {receipt for receipt in receipts if isinstance(receipt, str) and receipt in self._by_receipt}
        return [self._by_receipt[receipt] for receipt in known]

    def take_visible(self, count: int) -> list[dict]:
        """The first visible ones. `put` brings each back."""
        now = time.time()
        self._surface(now)
        taken: dict[int, dict] = {}
        while self._visible and len(taken) < count:
            place = heapq.heappop(self._visible)
            message = self._by_place.get(place)
            if message is None:
                continue
            if message["visible_at"] > now:
                self._sort(message, now)
                continue
            self._by_receipt.pop(message["receipt_handle"], None)
            taken[place] = message
        return list(taken.values())

    def take_came_back(self) -> list[dict]:
        """Those that were received, and have become visible again since this was asked last; in order."""
        self._surface(time.time())
        places, self._came_back = sorted(set(self._came_back)), []
        return [self._by_place[place] for place in places if place in self._by_place]

    def _surface(self, now: float) -> None:
        while self._hidden and self._hidden[0][0] <= now:
            _, place = heapq.heappop(self._hidden)
            message = self._by_place.get(place)
            if message is not None:
                self._sort(message, now)

    def _sort(self, message: dict, now: float) -> None:
        place, visible_at = message["place"], message["visible_at"]
        if visible_at > now:
            heapq.heappush(self._hidden, (visible_at, place))
            return
        heapq.heappush(self._visible, place)
        if message["receive_count"]:
            self._came_back.append(place)


def _enqueued_at(message: dict) -> float:
    return message.get("enqueued_at", message["sent_at"])


def _messages(queue: dict) -> Messages:
    """The queue's messages; put in place of the list when they are first asked for."""
    if not isinstance(queue["messages"], Messages):
        queue["messages"] = Messages(queue["messages"])
    return queue["messages"]


def _on(step, queue: dict, shown: list[dict]) -> None:
    """Has a step see these of the queue's messages alone, and removes those of them that it removed."""
    narrowed = {**queue, "messages": shown}
    step(narrowed)
    _remove_missing(queue["messages"], shown, narrowed["messages"])


def _remove_missing(messages: Messages, shown: list[dict], kept: list[dict]) -> None:
    kept_places = {message.get("place") for message in kept}
    for message in shown:
        if message["place"] not in kept_places:
            messages.remove(message)


def _expire_when_due(expire):
    @functools.wraps(expire)
    def expire_if_the_oldest_is_due(queue: dict) -> None:
        if queue["is_fifo"]:
            return expire(queue)
        messages = _messages(queue)
        oldest = {**queue, "messages": [{"sent_at": messages.oldest}]}
        expire(oldest)
        if oldest["messages"]:
            return
        _on(expire, queue, list(messages))
        messages.oldest = min(map(_enqueued_at, messages), default=math.inf)

    return expire_if_the_oldest_is_due


def _sweep_what_came_back(sweep):
    @functools.wraps(sweep)
    def sweep_what_came_back(queue: dict) -> None:
        if queue["is_fifo"]:
            return sweep(queue)
        messages = _messages(queue)
        came_back = messages.take_came_back()
        policy = queue["attributes"].get("RedrivePolicy")
        # By another policy, one that came back earlier may have been received too often.
        if policy != messages.swept_for:
            messages.swept_for, came_back = policy, list(messages)
        if came_back:
            _on(sweep, queue, came_back)

    return sweep_what_came_back


def _collect_from_visible(collect):
    @functools.wraps(collect)
    def collect_from_visible(queue: dict, count: int, visibility_timeout: int) -> list:
        if queue["is_fifo"]:
            return collect(queue, count, visibility_timeout)
        messages = _messages(queue)
        visible = messages.take_visible(count)
        try:
            return collect({**queue, "messages": visible}, count, visibility_timeout)
        finally:
            for message in visible:
                messages.put(message)

    return collect_from_visible


def _narrowed_to_receipts(action):
    @functools.wraps(action)
    def narrowed(request: dict, url: str) -> dict:
        receipts = [entry.get("ReceiptHandle") for entry in request.get("Entries") or [request]]
        return _on_receipts(action, request.get("QueueUrl", url), receipts, request, url)

    return narrowed


def _narrowed_to_batch(delete):
    @functools.wraps(delete)
    def narrowed(url: str, receipts: set[str]) -> None:
        with sqs._queues_lock:
            _on_receipts(delete, url, receipts, url, receipts)

    return narrowed


def _on_receipts(action, url: str, receipts, *args):
    """Has the queue hold, for as long as the action runs, only the messages that have these receipts."""
    queue = sqs._get_q(url)
    if queue["is_fifo"]:
        return action(*args)
    messages = _messages(queue)
    shown = messages.with_receipts(receipts)
    queue["messages"] = list(shown)
    try:
        return action(*args)
    finally:
        kept, queue["messages"] = queue["messages"], messages
        _remove_missing(messages, shown, kept)
        # All of them: EventBridge and Lambda's own destinations append without the lock.
        for message in kept:
            messages.put(message)
