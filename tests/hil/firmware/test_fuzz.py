"""The protocol's parser under libFuzzer: whatever a host sends, nothing is touched that is not its own."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pytest

from tests._tools import require
from tests.deploy._models import BUILDERS
from tests.hil.firmware._host import FUZZED, build_fuzzer

#: What the fuzzer begins with: a session, and commands with all they may have.
SEEDS = (
    b"name%profile%timestamp%help%x-info%x-mem%",
    b"db load 4%db 00112233%db print%infer 2 1%results%x-in%x-out%x-ops%",
    b"db load 4%db 00112233 crc 0123abcd%db 0011%db 223344%db%db load%db load 999999999999%",
    b"infer%infer 0%infer 1 -1%infer 99999999999%x-crash%\r\n\0name %  %nonsense [x]%",
    b"db load 4%db " + b"5a" * 256 + b" crc 01234567%" + b"name" + b" " * 540 + b"%x-info%",
)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.exhaustive)])
def test_whatever_is_sent_every_command_is_answered_once_and_no_sanitizer_complains(seconds, tmp_path):
    require("clang")
    probe = subprocess.run(
        ["clang", *FUZZED, "-xc", "-", "-o", "/dev/null"],
        input=b"int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return 0 * (d[n - n] + 1); }",
        capture_output=True,
        check=False,
    )
    if probe.returncode:
        pytest.skip(f"clang does not link {' '.join(FUZZED)}")
    program = build_fuzzer(BUILDERS["dense_relu"](np.random.default_rng(7)), tmp_path)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        "-seed=1",
        "-max_len=1200",
        "-len_control=0",
        "-timeout=60",
        "-rss_limit_mb=0",  # what libFuzzer counts is that of the process that started it, too: here of pytest
        "-print_final_stats=1",
    ]
    done = subprocess.run([program, *options, corpus], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    executed, added = (
        int(re.search(rf"stat::{what}: +(\d+)", done.stderr)[1])
        for what in ("number_of_executed_units", "new_units_added")
    )
    assert executed > 100 * seconds, "it ran"
    assert added > 10, "it saw which inputs take another way"
