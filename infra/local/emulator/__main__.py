"""Starts the emulator on a free port of 127.0.0.1, says which on stdout, and stops when stdin ends.

Stdin is the leash: whoever started this holds its other end, and when that process is gone, however it went,
nothing stays behind. Everything that is printed or logged goes to stderr; stdout carries one line of JSON, once the
emulator answers. This module knows nothing of the gaps that `gaps` fills, nor of what `kills` and `hidden` are for.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading


def main() -> None:
    reply = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    # Bound here and handed over open, so that nobody else can take the port in between.
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    # ministack reads these while it is imported. The functions inherit the second: their only switch.
    os.environ["GATEWAY_PORT"] = str(port)
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"

    try:
        asyncio.run(serve(listener, port, reply))
    finally:
        shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
    # Threads that still wait for a function must not hold up the end.
    sys.stderr.flush()
    os._exit(0)


async def serve(listener: socket.socket, port: int, reply) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from . import children, gaps, hidden, kills

    gaps.require_version()
    children.watch()
    from ministack import app
    from ministack.services import lambda_svc

    gaps.fill()
    hidden.arm()
    kills.arm()

    async def announcing(scope, receive, send):
        async def announce(message):
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                json.dump({"port": port, "pid": os.getpid()}, reply)
                reply.write("\n")
                reply.close()

        await app.app(scope, receive, announce if scope["type"] == "lifespan" else send)

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    await hypercorn_serve(announcing, config, shutdown_trigger=end_of_stdin().wait)
    # Ends the functions that it knows of in an orderly way, and takes the event sources away.
    lambda_svc.reset()
    children.end()


def end_of_stdin() -> asyncio.Event:
    """An event that is set when stdin ends, or on SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
    return ended


if __name__ == "__main__":
    main()
