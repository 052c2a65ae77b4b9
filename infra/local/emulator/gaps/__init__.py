"""Where ministack differs from AWS in a way that this project meets, it is made to behave as AWS does.

A module a gap; each says what AWS does, and has a test in `infra/local/tests/it`. They reach into one exact version,
so another version is refused rather than half patched. What nothing here needs yet is not patched.
"""

from importlib.metadata import version

from . import (
    alarm_math,
    batch_actions,
    batch_traces,
    invocation_size,
    large_queues,
    loopback_is_secure,
    mapping_numbers,
    message_move,
    queue_lock,
    sns_batches,
    sns_redrive,
    stream_mapping,
    subscription_attributes,
)

VERSION = "1.5.33"


def require_version() -> None:
    """Refuses to start on a ministack that these patches were not written for."""
    found = version("ministack")
    if found != VERSION:
        raise SystemExit(f"the gaps are filled for ministack {VERSION}, but {found} is installed")


def fill() -> None:
    # Before the lock, which holds what is here then.
    large_queues.fill()
    queue_lock.fill()
    batch_actions.fill()
    batch_traces.fill()
    invocation_size.fill()
    message_move.fill()
    sns_batches.fill()
    sns_redrive.fill()
    subscription_attributes.fill()
    loopback_is_secure.fill()
    alarm_math.fill()
    mapping_numbers.fill()
    stream_mapping.fill()
