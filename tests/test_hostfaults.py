"""Whose fault it is: the host's failures in whatever an inner layer made of them, and nothing else."""

import errno
import os

import pytest

from tinynas.errors import BoardError, ConversionError, HostError
from tinynas.hostfaults import host_faults_stop, is_host_fault


def chained(outer, cause):
    try:
        try:
            raise cause
        except type(cause) as error:
            raise outer from error
    except type(outer) as error:
        return error


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.ENOSPC, "full"), True),
        (MemoryError(), True),
        (BrokenPipeError(), True),
        (chained(ConversionError("rejected"), OSError(errno.EIO, "i/o")), True),
        (chained(RuntimeError("rejected"), chained(ValueError("x"), MemoryError())), True),
        (ConversionError("no such operator"), False),
        (chained(ConversionError("damaged"), IndexError("x")), False),
        (ZeroDivisionError(), False),
    ],
)
def test_a_host_fault_is_known_by_what_led_to_it(error, fault):
    assert is_host_fault(error) is fault


def test_what_an_error_replaced_on_purpose_does_not_count():
    def look_again():
        try:
            raise FileNotFoundError("looked in the wrong place first")
        except FileNotFoundError:
            raise ConversionError("a model of two inputs") from None

    with pytest.raises(ConversionError) as caught:
        look_again()
    assert not is_host_fault(caught.value)


def test_tensorflow_without_memory_is_a_host_fault():
    tf = pytest.importorskip("tensorflow")
    assert is_host_fault(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"))
    assert not is_host_fault(tf.errors.InvalidArgumentError(None, None, "a shape"))


@pytest.mark.parametrize(
    ("raised", "message", "where", "advice"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/scratch/model.c"),
            "cannot cost trial 3: the disk (or the quota) is full",
            "/scratch/model.c",
            "free some space, or set TMPDIR to another folder, then resume",
        ),
        (MemoryError(), "cannot cost trial 3: not enough memory", "study", "free some memory, then resume"),
        (
            OSError(errno.EAGAIN, "no process"),
            "cannot cost trial 3: not enough memory or too many processes",
            "study",
            "free some, then resume",
        ),
        (
            chained(ConversionError("refused"), PermissionError(errno.EACCES, "no")),
            "cannot cost trial 3: Permission denied",
            "study",
            "mend that, then resume",
        ),
    ],
)
def test_the_error_names_the_place_and_the_way_on(raised, message, where, advice):
    with pytest.raises(HostError) as caught, host_faults_stop("cost trial 3", where="study", then="resume"):
        raise raised
    assert (caught.value.message, caught.value.where, caught.value.advice) == (message, where, advice)
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize(
    "passed",
    [
        ConversionError("the candidate's own"),
        chained(BoardError("the port is gone"), OSError(errno.EIO, "")),
        KeyError(),
    ],
)
def test_other_errors_pass_as_they_are(passed):
    with pytest.raises(type(passed)) as caught, host_faults_stop("cost trial 3", then="resume"):
        raise passed
    assert caught.value is passed
