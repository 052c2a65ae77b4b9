"""A payload that is too large for an invocation whose answer is waited for is refused.

On AWS that is more than 6 MB: `RequestTooLargeException`. ministack takes every size.

As it reads JSON and writes it anew, a function gets other bytes than were sent, if no other values: that stays so.
"""

import functools

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

_PAYLOAD_BYTES_MAX = 6 * 1024 * 1024


def fill() -> None:
    lambda_svc.handle_request = _refusing_what_is_too_large(lambda_svc.handle_request)


def _refusing_what_is_too_large(handle_request):
    @functools.wraps(handle_request)
    async def refusing(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple:
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        invokes = method == "POST" and path.rstrip("/").endswith("/invocations") and kind == "RequestResponse"
        if invokes and len(body) > _PAYLOAD_BYTES_MAX:
            message = (
                f"{len(body)} byte payload is too large for the RequestResponse invocation type"
                f" (limit {_PAYLOAD_BYTES_MAX} bytes)"
            )
            return error_response_json("RequestTooLargeException", message, 413)
        return await handle_request(method, path, headers, body, query_params)

    return refusing
