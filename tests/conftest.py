"""What every test run shares: interrupts that arrive, examples without deadline, a last word on missing programs."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests._tools import MISSING, PACKAGES

# On a busy machine an example takes as long as others leave it: that is no fault of what is tested.
settings.register_profile("tinynas", deadline=None)
settings.load_profile("tinynas")


@pytest.fixture(scope="session", autouse=True)
def _interrupts() -> Iterator[None]:
    """Let SIGINT arrive in children, also where this run was started with it ignored, as by `nohup`."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what is missing, how many tests it would add, and how to install it."""
    tools = []
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else ""
        if MISSING in reason:
            tools.append(reason.partition(MISSING)[2])
    if not tools:
        return
    packages = " ".join(dict.fromkeys(" ".join(PACKAGES.get(tool, "") for tool in sorted(set(tools))).split()))
    terminalreporter.write_line(
        f"not installed: {', '.join(sorted(set(tools)))}; `apt-get install {packages}` would add {len(tools)} tests"
    )
