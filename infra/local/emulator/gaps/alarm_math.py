"""An alarm on an expression (`Metrics`) is accepted by CloudFormation.

ministack fails the whole stack on one. Here it becomes a resource without an alarm behind it: alarms on Lambda's and
SQS's own metrics never fire in ministack anyhow, so nothing that could be tried locally is lost.
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners


def fill() -> None:
    put = provisioners._cw_metric_alarm_put

    def put_unless_math(name, properties):
        if properties.get("Metrics"):
            return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}
        return put(name, properties)

    provisioners._cw_metric_alarm_put = put_unless_math
