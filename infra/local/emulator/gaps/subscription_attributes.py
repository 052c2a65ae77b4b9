"""A subscription that CloudFormation made says what it is.

On AWS `GetSubscriptionAttributes` gives `TopicArn`, `Protocol`, `Endpoint` and so on of every subscription. ministack
has them of those that were made by `Subscribe` alone.
"""

from ministack.services import sns


def fill() -> None:
    get = sns._get_subscription_attributes

    def get_of_whatever_origin(params: dict) -> tuple:
        arn = sns._p(params, "SubscriptionArn")
        subscription = sns._find_subscription(sns._sub_arn_to_topic.get(arn, ""), arn)
        if subscription:
            subscription["attributes"] = {
                "SubscriptionArn": arn,
                "TopicArn": subscription["topic_arn"],
                "Protocol": subscription["protocol"],
                "Endpoint": subscription["endpoint"],
                "Owner": subscription["owner"],
                "PendingConfirmation": "false" if subscription["confirmed"] else "true",
                **subscription["attributes"],
            }
        return get(params)

    sns._get_subscription_attributes = get_of_whatever_origin
