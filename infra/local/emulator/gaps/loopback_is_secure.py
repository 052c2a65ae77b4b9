"""`aws:SecureTransport` holds for every call.

The emulator speaks plain HTTP, on the loopback of one machine. The template denies what does not come over TLS, as it
must on AWS; so here the loopback counts as secure, or every call would be refused. This does not make it TLS.
"""

from ministack.core import iam_evaluator


def fill() -> None:
    resolve = iam_evaluator._resolve_condition_key

    def resolve_on_loopback(key, context):
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_on_loopback
