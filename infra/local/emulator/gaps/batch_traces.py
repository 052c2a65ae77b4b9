"""A message that is sent in a batch keeps its trace header.

On AWS every entry of `SendMessageBatch` has `MessageSystemAttributes`, as the message of `SendMessage` has. ministack
passes each entry on to the latter without them. Here they are passed on too: it takes the entries in their order, each
once.
"""

import functools
from contextvars import ContextVar

from ministack.services import sqs

_entries: ContextVar = ContextVar("entries", default=None)


def fill() -> None:
    sqs._act_send_message = _with_what_its_entry_has(sqs._act_send_message)
    original = sqs._act_send_message_batch
    sqs._act_send_message_batch = _remembering_entries(original)
    for action, handler in sqs._HANDLERS.items():
        if handler is original:
            sqs._HANDLERS[action] = sqs._act_send_message_batch


def _remembering_entries(send_batch):
    @functools.wraps(send_batch)
    def remembering(request: dict, url: str) -> dict:
        token = _entries.set(iter(request.get("Entries", [])))
        try:
            return send_batch(request, url)
        finally:
            _entries.reset(token)

    return remembering


def _with_what_its_entry_has(send):
    @functools.wraps(send)
    def with_system_attributes(request: dict, url: str) -> dict:
        entries = _entries.get()
        if entries is not None:
            request["MessageSystemAttributes"] = next(entries).get("MessageSystemAttributes")
        return send(request, url)

    return with_system_attributes
