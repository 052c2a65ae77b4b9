"""`PublishBatch` refuses a batch that is too long as a whole.

On AWS the messages of a batch, with their attributes, are at most 262,144 bytes together, else none is published.
ministack measures each message for itself. A topic's `MaximumMessageSize`, which raises the limit, is ignored.
"""

from ministack.services import sns

_BATCH_BYTES_MAX = 262_144


def fill() -> None:
    publish = sns._publish_batch

    def publish_if_short(params: dict) -> tuple:
        entries = sns._parse_batch_entries(params)
        length = sum(sns._message_payload_size(entry["message"], entry["message_attributes"]) for entry in entries)
        if length > _BATCH_BYTES_MAX:
            message = "The length of all the batch messages put together is more than the limit."
            return sns._error("BatchRequestTooLong", message, 400)
        return publish(params)

    sns._publish_batch = publish_if_short
