"""Credentials of Command (Basic, Bearer, the OAuth token endpoint) and of Huawei Cloud (AK/SK, tokens)."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote_plus

from reconciler.simulator.http.messages import ApiError, HttpReply, HttpRequest, build_json_reply
from reconciler.simulator.http.shapes import Field, read_object
from reconciler.simulator.routing.routes import Route
from reconciler.simulator.routing.signing import explain_signature_refusal, parse_signature_header
from reconciler.simulator.world.identities import Account, Caller, find_roles_with_claims
from reconciler.simulator.world.world import World

# Huawei locks an access key for 5 minutes after more than five failures in a row (CS 2.4).
_LOCK_AFTER, _LOCK_SECONDS = 5, 300.0


def identify_command_caller(world: World, request: HttpRequest) -> Caller | None:
    """Return who calls Command, None where the credentials are missing or wrong."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        account = _check_basic(value, world.users)
    elif scheme.lower() == "bearer":
        account = world.clients.get(world.bearer_tokens.find_owner(value.strip()) or "")
    else:
        account = None
    if account is None:
        return None
    return Caller(account.name, find_roles_with_claims(account.claims, world.roles.values(), world.claims))


def _check_basic(value: str, accounts: dict[str, Account]) -> Account | None:
    try:
        # RFC 7617, 2: a user name can't hold a colon, a password may.
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    account = accounts.get(name.lower())
    return account if account and _is_same_secret(account.secret, secret) else None


def _is_same_secret(expected: str, received: str) -> bool:
    # As bytes: compare_digest() raises TypeError for text outside ASCII.
    return hmac.compare_digest(expected.encode(), received.encode())


def serve_oauth_token(world: World, request: HttpRequest) -> HttpReply:
    """Serve the OAuth2 client-credentials grant: form-encoded, secret in the body or as Basic (RFC 6749, KF 8.3)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        return _build_oauth_error(400, "invalid_request")
    try:
        form = {name: values[-1] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    except UnicodeDecodeError:
        return _build_oauth_error(400, "invalid_request")
    if read_object(form, _TOKEN_FORM, fold=False).flaws:
        return _build_oauth_error(400, "unsupported_grant_type")
    client_id, secret = _read_client_credentials(request, form)
    account = world.clients.get(client_id)
    if account is None or not _is_same_secret(account.secret, secret):
        return _build_oauth_error(401, "invalid_client")
    if "openid" in form.get("scope", "").split() and world.switches["oauth_openid_scope"] == "rejected":
        return _build_oauth_error(400, "invalid_scope")
    lifetime = world.switches["token_lifetime"]
    token = world.bearer_tokens.issue(client_id, lifetime)
    # RFC 6749, 5.1, demands no-store for an answer that holds a token.
    return build_json_reply(
        {"access_token": token, "token_type": "Bearer", "expires_in": lifetime}, headers=[("Cache-Control", "no-store")]
    )


_TOKEN_FORM = (
    Field("grant_type", "string", required=True, enum=("client_credentials",)),
    Field("client_id", "string", "here, or as the name of Basic"),
    Field("client_secret", "string", "here, or as the password of Basic"),
    Field("scope", "string"),
    Field("audience", "string"),
)
_TOKEN_REPLY = (Field("access_token", "string"), Field("token_type", "string"), Field("expires_in", "integer"))
OAUTH_ERROR = (Field("error", "string"), Field("error_description", "string"))
"""The body of a refusal by the token endpoint (RFC 6749, 5.2)."""
ROUTES = (
    Route(
        "oauth",
        "POST",
        "/oauth/token",
        lambda world, call: serve_oauth_token(world, call.request),
        "A token for a client's secret",
        anonymous=True,
        body=_TOKEN_FORM,
        media="application/x-www-form-urlencoded",
        reply=_TOKEN_REPLY,
    ),
)


def _read_client_credentials(request: HttpRequest, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    # RFC 6749, 2.3.1: unlike elsewhere in Basic, both parts were form-encoded before base64.
    return unquote_plus(name), unquote_plus(secret)


def _build_oauth_error(status: int, code: str) -> HttpReply:
    return build_json_reply({"error": code, "error_description": code.replace("_", " ")}, status)


def identify_cloud_caller(world: World, request: HttpRequest) -> Caller:
    """Return who calls Huawei Cloud by AK/SK signature or X-Auth-Token; raises ApiError 401 as the gateway does."""
    header = parse_signature_header(request.headers.get("authorization", ""))
    # Huawei's SDK signs even where its caller adds X-Auth-Token (CS 6.3); that the signature counts is a choice.
    if header is not None:
        return _identify_signer(world, request)
    token = request.headers.get("x-auth-token", "")
    if not token:
        raise _build_gateway_refusal("APIGW.0301", "Incorrect IAM authentication information: no credentials")
    owner = world.iam_tokens.find_owner(token)
    if owner is None:
        raise _build_gateway_refusal("APIGW.0301", "Incorrect IAM authentication information: decrypt token fail")
    if owner == "":
        raise _build_gateway_refusal("APIGW.0307", "The token must be updated.")
    return Caller(owner, project=world.token_projects.get(token, world.project))


def _identify_signer(world: World, request: HttpRequest) -> Caller:
    header = parse_signature_header(request.headers.get("authorization", ""))
    account = world.access_keys.get(header.access) if header else None
    if header is None or account is None:
        raise _build_gateway_refusal(
            "APIGW.0301",
            "Incorrect IAM authentication information: AK access failed to reach the limit or AK not exist",
        )
    if header.access in world.temporary_keys:
        _check_security_token(world, header.access, request.headers.get("x-security-token", ""))
    failures, failed_at = world.failed_keys.get(header.access, (0, 0.0))
    is_locked = failures > _LOCK_AFTER and time.monotonic() - failed_at < _LOCK_SECONDS
    if is_locked and world.switches["csms_ak_lock"] == "on":
        raise _build_gateway_refusal("APIGW.0301", "Incorrect IAM authentication information: AK is locked")
    reason = explain_signature_refusal(request, header, account.secret, datetime.now(UTC))
    if reason:
        world.failed_keys[header.access] = (failures + 1, time.monotonic())
        raise _build_gateway_refusal("APIGW.0301", f"Incorrect IAM authentication information: {reason}")
    world.failed_keys.pop(header.access, None)
    if world.switches["csms_x_project_id"] == "required" and "x-project-id" not in request.headers:
        raise _build_gateway_refusal("APIGW.0301", "Incorrect IAM authentication information: X-Project-Id is missing")
    return Caller(account.name, project=world.project)


def _check_security_token(world: World, access: str, token: str) -> None:
    owner = world.security_tokens.find_owner(token)
    if owner == access:
        return
    reason = "the security token has expired" if owner == "" else "the security token is invalid"
    raise _build_gateway_refusal("APIGW.0301", f"Incorrect IAM authentication information: {reason}")


def _build_gateway_refusal(code: str, message: str) -> ApiError:
    return ApiError(401, code, message)
