"""What every test run shares: interrupts that arrive, and a last word on the programs that are missing."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests._tools import MISSING, PACKAGES


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
