"""A mapping that CloudFormation made has numbers where it must, also when the template refers to a parameter.

On AWS a parameter of type `Number` becomes the number that the property wants. ministack resolves it to text, and
makes numbers of the batch's size and window only.
"""

from ministack.services.cloudformation import provisioners

_NUMBERS = ("ParallelizationFactor", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds")


def fill() -> None:
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    create = handlers["create"]

    def create_with_numbers(logical_id: str, props: dict, stack_name: str) -> tuple:
        numbers = {name: int(props[name]) for name in _NUMBERS if props.get(name) is not None}
        return create(logical_id, {**props, **numbers}, stack_name)

    handlers["create"] = create_with_numbers
