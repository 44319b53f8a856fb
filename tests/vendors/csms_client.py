"""huaweicloudsdkcsms, pointed at a simulator. It is imported when it is used: the import writes into $HOME."""

# ruff: noqa: PLC0415 - importing the SDK writes into $HOME
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.simulator import Simulator


def client(simulator: Simulator, *, secret: str = "", access: str = "", project: str = "", retries: int = 0) -> Any:
    """Return a client by `with_endpoint`, signing with the simulator's key unless another is given."""
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.http.http_config import HttpConfig
    from huaweicloudsdkcsms.v1 import CsmsClient

    told = simulator.credentials["csms"]
    keys = BasicCredentials(access or told["access_key"], secret or told["secret_key"], project or told["project_id"])
    builder = CsmsClient.new_builder().with_credentials(keys).with_endpoint(simulator.url)
    return builder.with_http_config(HttpConfig(retry_times=retries)).build()


def call(client_: Any, operation: str, **members: Any) -> Any:
    """Call an operation, `show_secret_event(event_name=...)`, with the request class that it wants.

    A member may be a function that returns it: the SDK's models exist only once it is imported.
    """
    import huaweicloudsdkcsms.v1 as sdk

    request = getattr(sdk, "".join(map(str.capitalize, operation.split("_"))) + "Request")(
        **{name: value() if callable(value) else value for name, value in members.items()}
    )
    return getattr(client_, operation)(request)


def body(**members: Any) -> Any:
    """Return the model of a create body."""
    from huaweicloudsdkcsms.v1 import CreateSecretEventRequestBody, Notification

    whole = {**EVENT, **members}
    return CreateSecretEventRequestBody(**{**whole, "notification": Notification(**whole["notification"])})


def change(**members: Any) -> Any:
    """Return the model of an update body, with no more than these members."""
    from huaweicloudsdkcsms.v1 import UpdateSecretEventRequestBody

    return UpdateSecretEventRequestBody(**members)


def refusal(attempt: Callable[[], Any]) -> tuple[str, int, str, bool]:
    """Return how the SDK reports a refusal: its class, the status, the code, whether there is a request id."""
    from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException

    try:
        attempt()
    except ServiceResponseException as error:
        return type(error).__name__, error.status_code, error.error_code, bool(error.request_id)
    raise AssertionError("the call was not refused")


EVENT = {
    "name": "new-event",
    "event_types": ["SECRET_ROTATED", "SECRET_VERSION_CREATED"],
    "state": "ENABLED",
    "notification": {"target_type": "SMN", "target_id": "urn:smn:cn-north-4:p:t", "target_name": "t"},
}
