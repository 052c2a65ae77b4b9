"""Messages of queues come back sooner than whoever received them asked for. A fault, not a gap: to see without a long
wait what becomes of messages whose receiver died.

Off unless the variable `EMULATOR_HIDDEN_MAX` says otherwise: seconds. No ReceiveMessage and no ChangeMessageVisibility
hides a message for longer then, whatever it asks for.

What does not ask has the queue's own visibility timeout, and so has the event source mapping: functions are as ever.
"""

import functools
import os

from ministack.services import sqs

_VARIABLE = "EMULATOR_HIDDEN_MAX"
_ASKING = ("ReceiveMessage", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch")
_TIMEOUT = "VisibilityTimeout"


def arm() -> None:
    """Has messages come back soon, if the environment asks for it. After the gaps, which replace these actions."""
    # Taken away, because the functions inherit the environment.
    wanted = os.environ.pop(_VARIABLE, None)
    if wanted is None:
        return
    seconds = int(wanted)
    for action in _ASKING:
        sqs._HANDLERS[action] = _asking_for_less(sqs._HANDLERS[action], seconds)


def _asking_for_less(handle, seconds: int):
    def less(asked: dict) -> dict:
        # What is no number is for the action to refuse.
        if not str(asked.get(_TIMEOUT, "")).isdecimal():
            return asked
        return {**asked, _TIMEOUT: min(int(asked[_TIMEOUT]), seconds)}

    # Also of ReceiveMessage, which is a coroutine that the dispatcher awaits.
    @functools.wraps(handle)
    def asking_for_less(request: dict, url: str):
        if "Entries" in request:
            request = {**request, "Entries": [less(entry) for entry in request["Entries"]]}
        return handle(less(request), url)

    return asking_for_less
