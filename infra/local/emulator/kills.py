"""Kills a function's process now and then in the midst of an invocation. A fault, not a gap: to see what survives it.

Off unless the variable `EMULATOR_KILLS` says otherwise: `{end of the function's name} {how many kills} {seed}`. About
every second invocation is picked, until there were so many kills; the process of one that is picked gets SIGKILL at a
random moment after it has been given the event and before its response has been taken. Each kill is a line in the log.
The invocation then fails as on AWS, and the next one has a new process.

Only `provided` functions are killed; neither one that is still starting nor one that waits for work is.
"""

import logging
import os
import random
import threading
import time

from ministack.core.lambda_runtime import ProvidedWorker

_VARIABLE = "EMULATOR_KILLS"
_PICKED_SHARE = 0.5
_AFTER_SECONDS_MAX = 0.05
_LOOK_AGAIN_SECONDS = 0.0005

_logger = logging.getLogger(__name__)


def arm() -> None:
    """Makes invocations fatal, if the environment asks for it."""
    # Taken away, because the functions inherit the environment.
    wanted = os.environ.pop(_VARIABLE, None)
    if wanted is None:
        return
    name_end, count, seed = wanted.split()
    killer = Killer(name_end, int(count), int(seed))
    invoke = ProvidedWorker.invoke

    def invoke_and_perhaps_kill(worker, event, request_id, **more):
        over = threading.Event()
        if killer.picks(worker.func_name):
            arguments = (worker, request_id, over)
            threading.Thread(target=killer.lie_in_wait, args=arguments, name="killer", daemon=True).start()
        try:
            return invoke(worker, event, request_id, **more)
        finally:
            over.set()

    ProvidedWorker.invoke = invoke_and_perhaps_kill


class Killer:
    def __init__(self, name_end: str, kills_left: int, seed: int):
        self._name_end, self._kills_left = name_end, kills_left
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def picks(self, function_name: str) -> bool:
        if not function_name.endswith(self._name_end):
            return False
        with self._lock:
            return self._kills_left > 0 and self._random.random() < _PICKED_SHARE

    def lie_in_wait(self, worker: ProvidedWorker, request_id: str, over: threading.Event) -> None:
        """Kills the worker's process a moment after it was given this invocation."""
        while not _was_given(worker, request_id):
            if over.wait(_LOOK_AGAIN_SECONDS):
                return
        given = time.monotonic()
        with self._lock:
            after = self._random.uniform(0, _AFTER_SECONDS_MAX)
        if over.wait(after):
            return
        # In this order, as nothing else holds both.
        with self._lock, worker._state_lock:
            # No longer this one when its response was taken: then it is not inside the invocation any more.
            if self._kills_left == 0 or worker._current_request_id != request_id or worker._proc is None:
                return
            worker._proc.kill()
            # A response that is on its way right now comes too late, as if the process had died before it.
            worker._current_request_id = None
            self._kills_left -= 1
        milliseconds = (time.monotonic() - given) * 1000
        _logger.warning("killed %s inside invocation %s after %.1f ms", worker.func_name, request_id, milliseconds)


def _was_given(worker: ProvidedWorker, request_id: str) -> bool:
    with worker._state_lock:
        return worker._current_request_id == request_id and worker._pending.empty()
