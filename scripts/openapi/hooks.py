"""Says who calls: a client by its secret, an operator by a signature over each request as it is sent."""

import base64
import gzip
import hashlib
import json
import os
import secrets
import time
from urllib.parse import urlsplit

import schemathesis
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.auth import AuthBase, HTTPBasicAuth

MADE = json.load(open(os.environ["MADE"]))
AUTHORITY = f"{MADE['authority']}/{MADE['environment']}"


def operator():
    text = open(MADE["operator_key"]).read()
    head, begin, body = text.partition("-----BEGIN")
    key_id = next(line.split(": ")[1] for line in head.splitlines() if line.startswith("Key-Id"))
    return key_id, load_pem_private_key((begin + body).encode(), password=None)


KEY_ID, KEY = operator()


class Signed(AuthBase):
    """The fixed profile of RFC 9421 that docs/keys.md describes, written from that page."""

    def __call__(self, request):
        url = urlsplit(request.url)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        if not isinstance(body, bytes):
            body = b"".join(body)
            request.body = body
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        parts = {
            "@method": request.method,
            "@path": url.path,
            "@query": f"?{url.query}",
            "content-digest": f"sha-256=:{digest}:",
            "hallpass-authority": AUTHORITY,
        }
        names = " ".join(f'"{name}"' for name in parts)
        nonce = base64.urlsafe_b64encode(secrets.token_bytes(18)).decode()
        params = (
            f'({names});created={int(time.time())};nonce="{nonce}";keyid="{KEY_ID}"'
            ';alg="ed25519";tag="hallpass-operator-v1"'
        )
        base = "".join(f'"{name}": {value}\n' for name, value in parts.items())
        signature = KEY.sign(f'{base}"@signature-params": {params}'.encode())
        request.headers["Content-Digest"] = parts["content-digest"]
        request.headers["Hallpass-Authority"] = AUTHORITY
        request.headers["Signature-Input"] = f"hallpass={params}"
        request.headers["Signature"] = f"hallpass=:{base64.b64encode(signature).decode()}:"
        return request


# A request for a token that the starter policy grants.
GRANTED = {"route": "/support/draft", "tenant": "acme", "subject": "user:alice", "actor": "agent:support-bot"}


def deepen(case):
    """Names what there is, in some of the requests: made-up names are only ever told that there is no such thing."""
    path, names = case.operation.path, case.path_parameters or {}
    if secrets.randbelow(2):
        for name, known in (("run", MADE["run_id"]), ("token", MADE["token_id"])):
            if name in names:
                names[name] = known
        # Nobody could ask for anything once the only client is disabled.
        if "client" in names and path.endswith("/secrets"):
            names["client"] = MADE["client_id"]
    if path == "/v1/tokens" and isinstance(case.body, dict) and not secrets.randbelow(3):
        case.body.pop("subject_token", None)
        case.body.update(GRANTED)


@schemathesis.hook
def before_call(context, case, kwargs):
    deepen(case)
    security = case.operation.definition.raw.get("security", [])
    schemes = {name for requirement in security for name in requirement}
    # Half of the requests that could be an operator's or a client's are one, half the other.
    if "operator" in schemes and ("client_basic" not in schemes or secrets.randbelow(2)):
        kwargs["auth"] = Signed()
    elif "client_basic" in schemes:
        kwargs["auth"] = HTTPBasicAuth(MADE["client_id"], MADE["client_secret"])


@schemathesis.serializer("application/gzip")
def packed(ctx, value):
    """Text, packed as it is asked for."""
    return gzip.compress(value if isinstance(value, bytes) else str(value).encode())
