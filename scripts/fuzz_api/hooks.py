"""What schemathesis must keep to besides the description, so that the cluster serves it to the end."""

import os
import random
import re
import sys
import uuid

import schemathesis

sys.path.insert(0, os.path.dirname(__file__))
import park  # noqa: E402

KEY = "Idempotency-Key"
TIMEOUT = "Holdfast-Timeout-Ms"
OPERATOR = "1"

# Hypothesis, which makes the calls up, has its hand on the dice of everybody who has none of his own.
DICE = random.Random(1)

park.fill(os.environ["HOLDFAST_FUZZ_URL"], os.environ["HOLDFAST_FUZZ_EMAIL"], os.environ["HOLDFAST_FUZZ_PASSWORD"])


@schemathesis.hook
def before_call(context, case, kwargs):
    name_once(case)
    wait_shortly(case)
    speak_for_oneself(case)
    write_whole_numbers(case)
    spare_the_operator(case)
    spare_the_nodes(case)
    admit_quickly(case)


def name_once(case):
    """A key names one call. A user has a thousand a day, so most calls go without."""
    key = case.headers.get(KEY)
    if isinstance(key, str) and re.fullmatch("[!-~]{1,255}", key):
        del case.headers[KEY]
        if DICE.random() < 0.05:
            case.headers[KEY] = str(uuid.uuid4())


def wait_shortly(case):
    """Whoever waits for the end of a job would wait for seconds, and the run ends in minutes."""
    prefer = case.headers.get("Prefer")
    if isinstance(prefer, str):
        case.headers["Prefer"] = re.sub("wait=[0-9]+", "wait=0", prefer)
    if str(case.query.get("wait", "")).isdigit():
        case.query["wait"] = 0
    # Somebody with too little time is told that there was none.
    if str(case.headers.get(TIMEOUT, "")).isdigit():
        del case.headers[TIMEOUT]


def speak_for_oneself(case):
    """Whoever brings the operator's token to seeds S2 and S3 and calls himself somebody else is refused."""
    is_declared = re.match("/(seats|event|booking|user|ticket)(/|$)|/events/create$", case.operation.path)
    # What no cookie can hold (RFC 6265) arrives as another one.
    if not re.fullmatch(r"[!#-+\--:<-\[\]-~]*", str(case.cookies.get("uid", ""))):
        del case.cookies["uid"]
    if is_declared and DICE.random() < 0.8:
        case.headers.pop("Authorization", None)
        case.cookies.setdefault("uid", park.GUEST)
        # One's own holds are found again by one's own name only.
        if isinstance(case.body, dict) and isinstance(case.body.get("UUID"), str):
            case.body["UUID"] = park.GUEST


def write_whole_numbers(case):
    """JSON Schema takes 2.0 for an integer, the API does not."""
    if isinstance(case.body, (dict, list)):
        case.body = whole(case.body)


def whole(value):
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def spare_the_operator(case):
    """Banned or of another role, the operator could call nothing more."""
    is_change = re.fullmatch("/v1/users/{id}/(role|ban)", case.operation.path)
    if is_change and str(case.path_parameters.get("id")) == OPERATOR:
        case.path_parameters["id"] = 2


def spare_the_nodes(case):
    """The cluster is to stay as it is: only what would be done is asked."""
    if re.match("/v1/cluster/(transfer|nodes/)", case.operation.path):
        case.query["dryRun"] = "true"


def admit_quickly(case):
    """Where nobody is admitted, whoever books waits until 504 tells him that he is waiting."""
    if case.operation.path == "/v1/policies/{scope}" and isinstance(case.body, dict):
        if isinstance(case.body.get("admissionPerSecond"), (int, float)):
            case.body["admissionPerSecond"] = 1000
