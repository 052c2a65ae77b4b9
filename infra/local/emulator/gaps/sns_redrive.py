"""What SNS cannot deliver to an SQS queue goes to the DLQ of the subscription.

ministack keeps a subscription's `RedrivePolicy` and does nothing with it. As on AWS: a queue that is gone, or whose
policy does not let the topic send, is a client error, which SNS does not retry. The message goes to
`deadLetterTargetArn`, as it would have been delivered: the body raw or in its envelope, the attributes with a raw body.
The DLQ's policy must let the topic send, too. With no DLQ that takes it, the message is dropped; on AWS only a metric
and the delivery log tell, here a warning in the log does.

Nothing in the message says why it is there. The attributes `RequestID`, `ErrorCode` and `ErrorMessage` are what Lambda
adds in the DLQ of a function; SNS's documentation names none, and a recording of AWS for a deleted queue has none. That
a denying policy gives the same message is assumed.

Subscriptions of other kinds than `sqs` have no DLQ here.
"""

import functools
import json
import logging

from ministack.core.arn import parse_arn
from ministack.services import sns, sqs

logger = logging.getLogger("sns")


def fill() -> None:
    deliver = sns._deliver_to_sqs

    @functools.wraps(deliver)
    def deliver_or_redrive(endpoint: str, *args, topic_arn: str, **kwargs) -> None:
        for queue_arn in (endpoint, _dead_letter_target(endpoint, topic_arn)):
            refusal = _refusal(queue_arn, topic_arn)
            if refusal is None:
                return deliver(queue_arn, *args, topic_arn=topic_arn, **kwargs)
            logger.warning("SNS: %s cannot deliver to %s: %s", topic_arn, queue_arn, refusal)
        logger.warning("SNS: %s dropped a message to %s", topic_arn, endpoint)

    sns._deliver_to_sqs = deliver_or_redrive


def _dead_letter_target(endpoint: str, topic_arn: str) -> str | None:
    # A topic has at most one subscription with this protocol and endpoint.
    for subscription in sns._topic_by_arn_any_scope(topic_arn)["subscriptions"]:
        if (subscription["protocol"], subscription["endpoint"]) == ("sqs", endpoint):
            policy = subscription["attributes"].get("RedrivePolicy")
            return json.loads(policy or "{}").get("deadLetterTargetArn")
    return None


def _refusal(queue_arn: str | None, topic_arn: str) -> str | None:
    """Why the topic cannot send to the queue, if so."""
    if queue_arn is None:
        return "no DLQ"
    if sqs._queue_by_arn(queue_arn) is None:
        return "no such queue"
    if not sqs.queue_policy_allows(queue_arn, "sns.amazonaws.com", topic_arn, parse_arn(topic_arn).account_id):
        return "denied by its policy"
    return None
