"""Credentials of Command (Basic, Bearer, the OAuth token endpoint) and of Huawei Cloud (AK/SK, tokens)."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote_plus

from reconciler.simulator.csms.signing import parse_authorization, why_refused
from reconciler.simulator.http.messages import Refused, Reply, Request, json_reply
from reconciler.simulator.http.routing import Route
from reconciler.simulator.http.shapes import Field, read_object
from reconciler.simulator.world.identities import Account, Caller, roles_of
from reconciler.simulator.world.world import World

# Huawei locks an access key for 5 minutes after more than five failures in a row (CS 2.4).
_LOCK_AFTER, _LOCK_SECONDS = 5, 300.0


def command_caller(world: World, request: Request) -> Caller | None:
    """Return who calls Command, None where the credentials are missing or wrong."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        account = _basic(value, world.users)
    elif scheme.lower() == "bearer":
        account = world.clients.get(world.bearer_tokens.owner(value.strip()) or "")
    else:
        account = None
    if account is None:
        return None
    return Caller(account.name, roles_of(account.claims, world.roles.values(), world.claims))


def _basic(value: str, accounts: dict[str, Account]) -> Account | None:
    try:
        # RFC 7617, 2: a user name can't hold a colon, a password may.
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    account = accounts.get(name.lower())
    return account if account and _same(account.secret, secret) else None


def _same(one: str, other: str) -> bool:
    # As bytes: compare_digest() raises TypeError for text outside ASCII.
    return hmac.compare_digest(one.encode(), other.encode())


def token_endpoint(world: World, request: Request) -> Reply:
    """Serve the OAuth2 client-credentials grant: form-encoded, secret in the body or as Basic (RFC 6749, KF 8.3)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return _oauth_error(400, "invalid_request")
    try:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    except UnicodeDecodeError:
        return _oauth_error(400, "invalid_request")
    if read_object(form, _FORM, fold=False).flaws:
        return _oauth_error(400, "unsupported_grant_type")
    client_id, secret = _client_credentials(request, form)
    account = world.clients.get(client_id)
    if account is None or not _same(account.secret, secret):
        return _oauth_error(401, "invalid_client")
    if "openid" in form.get("scope", "").split() and world.switches["oauth_openid_scope"] == "rejected":
        return _oauth_error(400, "invalid_scope")
    lifetime = world.switches["token_lifetime"]
    token = world.bearer_tokens.issue(client_id, lifetime)
    # RFC 6749, 5.1, demands no-store for an answer that holds a token.
    return json_reply(
        {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}, headers=[("Cache-Control", "no-store")]
    )


_FORM = (
    Field("grant_type", "string", required=True, enum=("client_credentials",)),
    Field("client_id", "string", "here, or as the name of Basic"),
    Field("client_secret", "string", "here, or as the password of Basic"),
    Field("scope", "string"),
    Field("audience", "string"),
)
_TOKEN = (Field("access_token", "string"), Field("token_type", "string"), Field("expires_in", "integer"))
OAUTH_ERROR = (Field("error", "string"), Field("error_description", "string"))
"""The body of a refusal by the token endpoint (RFC 6749, 5.2)."""
ROUTES = (
    Route(
        "oauth",
        "POST",
        "/oauth/token",
        lambda world, call: token_endpoint(world, call.request),
        "A token for a client's secret",
        anonymous=True,
        body=_FORM,
        media="application/x-www-form-urlencoded",
        reply=_TOKEN,
    ),
)


def _client_credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    # RFC 6749, 2.3.1: unlike elsewhere in Basic, both parts were form-encoded before base64.
    return unquote_plus(name), unquote_plus(secret)


def _oauth_error(status: int, code: str) -> Reply:
    return json_reply({"error": code, "error_description": code.replace("_", " ")}, status)


def cloud_caller(world: World, request: Request) -> Caller:
    """Return who calls Huawei Cloud by AK/SK signature or X-Auth-Token; raises Refused 401 as the gateway does."""
    signed = parse_authorization(request.headers.get("authorization", ""))
    # The signature counts first: Huawei's SDK signs even where its caller adds X-Auth-Token (CS 6.3).
    if signed is not None:
        return _by_signature(world, request)
    token = request.headers.get("x-auth-token", "")
    if not token:
        raise _gateway("APIGW.0301", "Incorrect IAM authentication information: no credentials")
    owner = world.iam_tokens.owner(token)
    if owner is None:
        raise _gateway("APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")
    if owner == "":
        raise _gateway("APIGW.0307", "The token must be updated.")
    return Caller(owner, project=world.project)


def _by_signature(world: World, request: Request) -> Caller:
    signed = parse_authorization(request.headers.get("authorization", ""))
    account = world.access_keys.get(signed.access) if signed else None
    if signed is None or account is None:
        raise _gateway(
            "APIGW.0301",
            "Incorrect IAM authentication information: AK access failed to reach the limit or AK not exist",
        )
    if signed.access in world.temporary_keys:
        _check_security_token(world, signed.access, request.headers.get("x-security-token", ""))
    failures, since = world.failed_keys.get(signed.access, (0, 0.0))
    locked = failures > _LOCK_AFTER and time.monotonic() - since < _LOCK_SECONDS
    if locked and world.switches["csms_ak_lock"] == "on":
        raise _gateway("APIGW.0301", "Incorrect IAM authentication information: AK is locked")
    why = why_refused(request, signed, account.secret, datetime.now(UTC))
    if why:
        world.failed_keys[signed.access] = (failures + 1, time.monotonic())
        raise _gateway("APIGW.0301", f"Incorrect IAM authentication information: {why}")
    world.failed_keys.pop(signed.access, None)
    if world.switches["csms_x_project_id"] == "required" and "x-project-id" not in request.headers:
        raise _gateway("APIGW.0301", "Incorrect IAM authentication information: X-Project-Id is missing")
    return Caller(account.name, project=world.project)


def _check_security_token(world: World, access: str, token: str) -> None:
    owner = world.security_tokens.owner(token)
    if owner == access:
        return
    why = "the security token has expired" if owner == "" else "the security token is invalid"
    raise _gateway("APIGW.0301", f"Incorrect IAM authentication information: {why}")


def _gateway(code: str, message: str) -> Refused:
    return Refused(401, code, message)
