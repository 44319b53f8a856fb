"""What to look at when a server refuses credentials, by how they were given."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.settings.model import AkskAuth, Auth, BasicAuth, BearerAuth, OauthAuth, PasswordAuth, TokenAuth


class AuthAdvice(NamedTuple):
    """What is worth a look, and what to do where a look alone does not tell."""

    look: str
    remedy: str = ""

    def __str__(self) -> str:
        return "; ".join(filter(None, self))


_ADVICE: tuple[tuple[type[Auth], AuthAdvice], ...] = (
    (BasicAuth, AuthAdvice("the user name with its domain (DOMAIN\\user), and whether the password has expired")),
    (
        BearerAuth,
        AuthAdvice("the token may have expired", "put a new one there, or use type oauth, which renews its own"),
    ),
    (OauthAuth, AuthAdvice("the provider gave a token and the server doesn't take it", "check scopes and audience")),
    (
        AkskAuth,
        AuthAdvice("the key pair (and securityToken), and, since requests are signed, this machine's clock"),
    ),
    (
        TokenAuth,
        AuthAdvice("the token may have expired (24 hours)", "put a new one there, or use type aksk or password"),
    ),
    (
        PasswordAuth,
        AuthAdvice(
            "IAM gave a token and CSMS doesn't take it", "check that the region and the project belong together"
        ),
    ),
)


def advise_after_refusal(auth: Auth) -> AuthAdvice:
    """Return what is worth a look after a 401."""
    return next((advice for kind, advice in _ADVICE if isinstance(auth, kind)), AuthAdvice("nothing is said there"))
