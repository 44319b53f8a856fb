"""What is told of a receiver that fails: the reason, and nothing that its URL holds."""

from __future__ import annotations

import pytest

from reconciler.notify.apprise_client import _learn_url

# A URL as people have them -> what in it lets somebody in, in the forms in which Apprise and libraries quote it.
SECRETS = {
    "slack://TokenAAAA/TokenBBBB/TokenCCCCCC/#pki": ["TokenAAAA", "TokenBBBB", "TokenCCCCCC"],
    "msteams://team/guid-aaaa@bbbb/cccc-dddd/eeee/": ["guid-aaaa@bbbb", "cccc-dddd"],
    "mailtos://user:p%40ss%2Fword@mail.example.com?to=oncall@example.com": ["p@ss/word", "p%40ss%2Fword"],
    "mailtos://mail.example.com?user=ann&pass=hunter22&to=a@b.example": ["hunter22"],
    "jsons://:secret-only@host.example/path": ["secret-only"],
    "tgram://123456789:AbCdEf-bot/987654": ["123456789:AbCdEf-bot", "AbCdEf-bot"],
    "pagerduty://IntegrationKey@ApiKeyyyy/Source": ["IntegrationKey", "ApiKeyyyy"],
    "json://[not-a-url/T0ken": ["T0ken"],
    "no-url-at-all-but-a-secret": ["no-url-at-all-but-a-secret"],
}


@pytest.mark.parametrize("url", SECRETS)
def test_no_part_of_a_url_is_told(url: str) -> None:
    for secret in (url, *SECRETS[url]):
        line = _learn_url(url).line(f"Failed to send to https://hooks.example.com/{secret}?x=1: error=500.")
        assert secret not in line
        assert line.startswith("Failed to send to ")
