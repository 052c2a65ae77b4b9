"""What a function's role allows its mapping to do.

Lambda reads the stream and writes to the destination with the role of the function. ministack asks IAM only about
calls that come over HTTP, and these do not. Nothing is asked here when the emulator does not enforce IAM at all.
"""

from ministack import app
from ministack.core import iam_evaluator


class Denied(Exception):
    """The role does not allow an action."""


def require(function: dict, action: str, resource_arn: str, region: str) -> None:
    """Raises `Denied` unless the function's role, and the resource's own policy, allow the action."""
    if not app.AUTH:
        return
    role_arn = function["config"].get("Role", "")
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""
    role_name = role_arn.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role_name}/{function['config']['FunctionName']}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=region,
    )
    result = iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(role_name, account))
    policy = iam_evaluator._resource_policy(action.split(":")[0], resource_arn)
    if policy is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *policy)
    if result.decision != "Allow":
        raise Denied(f"{role_arn} is not authorized to perform {action} on {resource_arn}")
