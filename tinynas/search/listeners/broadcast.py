"""Tells listeners of a search, each in a thread of its own, so that none of them can stop or slow it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Protocol

from tinynas.board import Board
from tinynas.config import LISTENERS, Config, split_listener
from tinynas.deploy import load_tensorflow
from tinynas.errors import ConfigError
from tinynas.search.listeners.interface import Listener, Watched
from tinynas.search.listeners.mlflow import MLflow
from tinynas.search.listeners.tensorboard import TensorBoard
from tinynas.study import Study, Trial

__all__ = ["Broadcast", "announce", "check_listeners"]

_LOG = logging.getLogger(__name__)
_MAKERS: Mapping[str, Callable[[str | None, Watched], Listener]] = {"tensorboard": TensorBoard, "mlflow": MLflow}
# What a listener that is slow has not heard yet: some days of search.
_ROOM = 100_000
# So long a listener may take to finish when the search has ended.
_PATIENCE_S = 30.0


class _Observer(Protocol):
    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None: ...

    def state(self, trial: Trial, /) -> None: ...


def check_listeners(config: Config) -> None:
    """Check that the libraries of the configured listeners are installed.

    Raises:
        ConfigError: One is not.
    """
    for text in config.listeners:
        kind, _ = split_listener(text)
        if find_spec(LISTENERS[kind]) is None:
            advice = f"pip install 'tinynas[{kind}]'"
            raise ConfigError(f"{LISTENERS[kind]} is not installed", where=f"listeners: {text}", advice=advice)


class Broadcast:
    """Passes what a search tells to its observer, and to the configured listeners. Ends with the `with` block.

    Args:
        observer: Who watches in this thread.
        config: Its `listeners` are told, too.
        study: The search's.

    Raises:
        ConfigError: A listener's library is not installed.
    """

    def __init__(self, observer: _Observer, config: Config, study: Study) -> None:
        check_listeners(config)
        self._observer, self._study, self._channels = observer, study, list[_Channel]()
        if not config.listeners:
            return
        watched = Watched.of(study)
        for text in config.listeners:
            kind, place = split_listener(text)
            if kind == "tensorboard":
                # TensorBoard imports TensorFlow, whose threads are to be set before it is used.
                load_tensorflow(config.training.threads)
            self._channels.append(_Channel(text, partial(_MAKERS[kind], place, watched)))

    def __enter__(self) -> Broadcast:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        summary = self._study.summary if self._channels and error is None else None
        for channel in self._channels:
            channel.end(summary)
        for channel in self._channels:
            channel.wait()

    def epoch(self, trial: int, epoch: int, rmse: float, /) -> None:
        """See `Observer`."""
        self._observer.epoch(trial, epoch, rmse)
        for channel in self._channels:
            channel.tell(lambda listener: listener.epoch(trial, epoch, rmse))

    def state(self, trial: Trial, /) -> None:
        """See `Observer`."""
        _LOG.info("trial %d: %s%s", trial.id, trial.state.value, f" ({trial.note})" if trial.note else "")
        self._observer.state(trial)
        for channel in self._channels:
            channel.tell(lambda listener: listener.state(trial))


@contextmanager
def announce(
    studies: Sequence[Study], config: Config, boards: Sequence[Board], observers: Sequence[_Observer]
) -> Iterator[list[Broadcast]]:
    """Have a search tell the listeners of its configuration, beside its observers; board by board."""
    with ExitStack() as stack:
        told = []
        for study, board, observer in zip(studies, boards, observers, strict=True):
            _LOG.info("search for %s on %s, in %s", board.name, config.dataset.source, study.folder)
            told.append(stack.enter_context(Broadcast(observer, config, study)))
        yield told


class _Channel:
    """A listener's thread. What the listener raises is logged, and then it hears no more."""

    def __init__(self, name: str, make: Callable[[], Listener]) -> None:
        self._name, self._make = name, make
        self._told: queue.Queue[Callable[[Listener], None] | None] = queue.Queue(_ROOM)
        self._deaf = False
        self._thread = threading.Thread(target=self._run, name=f"listener {name}", daemon=True)
        self._thread.start()

    def tell(self, news: Callable[[Listener], None] | None) -> None:
        """Have the listener told; returns at once, whatever it is doing. None: there will be no more news."""
        if self._deaf:
            return
        try:
            self._told.put_nowait(news)
        except queue.Full:
            self._give_up("it hangs")

    def end(self, summary: Mapping[str, Any] | None) -> None:
        """Have it told that the search ended."""
        self.tell(lambda listener: listener.close(summary))
        self.tell(None)

    def wait(self) -> None:
        """Wait until it has written all that it was told, or for half a minute."""
        self._thread.join(0.0 if self._deaf else _PATIENCE_S)
        if self._thread.is_alive() and not self._deaf:
            self._give_up(f"it does not end within {_PATIENCE_S:g} s")

    def _run(self) -> None:
        try:
            listener = self._make()
            while (news := self._told.get()) is not None and not self._deaf:
                news(listener)
        except Exception as error:
            self._give_up(f"{type(error).__name__}: {error}")
            _LOG.debug("the listener's traceback", exc_info=True)

    def _give_up(self, why: str) -> None:
        # Said first: nobody waits for the thread of one that is given up.
        _LOG.warning("the listener %s is told no more of this search: %s", self._name, why)
        self._deaf = True
