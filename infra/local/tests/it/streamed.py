"""A function that the tests of the stream mapping watch: each invocation leaves a line in the file `SEEN`.

What it does with a record is written in the item: `do` says what, `times` how often before it behaves (else always).
"""

import json
import os
import time
import urllib.request

SEEN = os.environ["SEEN"]
NEXT = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/"
# What it answers instead of a list of records that it could not handle.
ANSWERS = {
    "empty number": {"batchItemFailures": [{"itemIdentifier": ""}]},
    "null number": {"batchItemFailures": [{"itemIdentifier": None}]},
    "unknown number": {"batchItemFailures": [{"itemIdentifier": "0"}]},
    "wrong name": {"batchItemFailures": [{"identifier": "0"}]},
    "no list": {"batchItemFailures": "all"},
    "no object": ["all"],
    "null": None,
    "empty object": {},
    "null list": {"batchItemFailures": None},
}


def handle(event: dict, size: int):
    records = [record["dynamodb"] for record in event["Records"]]
    with open(SEEN, "a+") as file:
        file.seek(0)
        earlier = file.read()
        line = {
            "items": [record["Keys"]["id"]["S"] for record in records],
            "numbers": [record["SequenceNumber"] for record in records],
            "steps": [record["NewImage"].get("step", {}).get("N") for record in records],
            "bytes": size,
        }
        file.write(json.dumps(line) + "\n")
    failures = []
    for record in records:
        number, item = record["SequenceNumber"], record["NewImage"]
        what, times = item.get("do", {}).get("S"), int(item.get("times", {}).get("N", 1_000_000))
        if what is None or earlier.count(number) >= times:
            continue
        if what == "fail":
            raise RuntimeError(f"cannot handle {number}")
        if what == "report":
            failures.append({"itemIdentifier": number})
        elif what == "wait":
            while not os.path.exists(SEEN + ".go"):
                time.sleep(0.01)
        elif what == "take a while":
            time.sleep(0.03)
        else:
            return ANSWERS[what]
    return {"batchItemFailures": failures}


def post(path: str, answer) -> None:
    urllib.request.urlopen(NEXT + path, data=json.dumps(answer).encode()).read()


while True:
    with urllib.request.urlopen(NEXT + "next") as response:
        request_id, body = response.headers["Lambda-Runtime-Aws-Request-Id"], response.read()
    try:
        answer = handle(json.loads(body), len(body))
    except RuntimeError as error:
        post(f"{request_id}/error", {"errorMessage": str(error), "errorType": "RuntimeError"})
    else:
        post(f"{request_id}/response", answer)
        with open(SEEN + ".done", "a") as file:
            file.write(request_id + "\n")
