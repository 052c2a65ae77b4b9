"""What both engines in Python have in common: they are asked in lines of JSON, and answer with one."""

import json
import pathlib
import sys
import time


def serve(version, forms):
    """Answers until there are no more lines. `forms`: by name, what makes three files in memory of a file's path."""
    render = forms[sys.argv[1]]
    say({"version": version, "cpu_us": time.process_time_ns() / 1000})
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.process_time_ns()
        renditions = render(asked["file"])
        cpu_us = (time.process_time_ns() - begun) / 1000
        if asked["folder"]:
            for name, rendition in zip(("1080", "480", "160"), renditions):
                (pathlib.Path(asked["folder"]) / f"{name}.jpg").write_bytes(rendition)
        say({"cpu_us": cpu_us, "bytes": [len(rendition) for rendition in renditions]})


def say(answer):
    print(json.dumps(answer), flush=True)
