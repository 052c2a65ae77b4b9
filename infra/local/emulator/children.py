"""The processes that the emulator has started: no more of them from some moment on, and none left.

ministack ends the workers that it knows of; one that a thread is starting just then, it does not know yet. So every
start goes through one lock here. This ends processes, whatever they are for; it cleans up nothing else of them.
"""

import subprocess
import threading

_starting = threading.Lock()
_started: list[subprocess.Popen] = []
_ended = False


def watch() -> None:
    """Keeps account of every process that is started from now on."""
    start = subprocess.Popen.__init__

    def start_unless_ended(self, *args, **kwargs):
        with _starting:
            if _ended:
                raise RuntimeError("the emulator ends, and starts no more processes")
            start(self, *args, **kwargs)
            _started[:] = [child for child in _started if child.poll() is None]
            _started.append(self)

    subprocess.Popen.__init__ = start_unless_ended


def end() -> None:
    """Kills and collects every process that still runs, and lets none start again."""
    global _ended
    with _starting:
        _ended = True
    for child in _started:
        child.kill()
    for child in _started:
        child.wait()
