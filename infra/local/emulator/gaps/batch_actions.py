"""Whoever may send a message may send a batch of messages.

IAM has no actions for the batches of SQS and SNS: as on AWS, `SendMessageBatch` is allowed by `sqs:SendMessage`,
`PublishBatch` by `sns:Publish`, and so on. ministack asks for an action of the call's own name, which no policy of AWS's
allows except one with a wildcard.
"""

from ministack.core import iam_actions

_SINGLES = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sns:Publish")
_ASKED_FOR = {f"{action}Batch": action for action in _SINGLES}


def fill() -> None:
    extract = iam_actions.extract_iam_action

    def extract_single(*args, **kwargs):
        action = extract(*args, **kwargs)
        return _ASKED_FOR.get(action, action)

    iam_actions.extract_iam_action = extract_single
