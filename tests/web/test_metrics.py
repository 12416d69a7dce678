"""Troubles are counted each and logged now and then."""

import pytest
from structlog.testing import capture_logs

from web.metrics import REPORT_EVERY_S, Metrics, Troubles


def test_a_repeated_trouble_is_one_line_per_period(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("web.metrics.time.monotonic", lambda: now)
    counters = Metrics()
    troubles = Troubles(counters)
    with capture_logs() as logs:
        for _ in range(5):
            troubles.note("redis", ConnectionError("password hunter2 is wrong"))
        troubles.note("postgres", TimeoutError())
        now += REPORT_EVERY_S
        troubles.note("redis", ConnectionError())
    assert [(line["subject"], line["error"], line["times"]) for line in logs] == [
        ("redis", "ConnectionError", 1),
        ("postgres", "TimeoutError", 1),
        ("redis", "ConnectionError", 5),
    ]
    assert "hunter2" not in str(logs)
    assert counters.registry.get_sample_value("tally_web_troubles_total", {"subject": "redis"}) == 6
