"""A Dask client as a ``concurrent.futures`` pool, made for many short calls that share most of what they need.

Calls are sent and results fetched in batches: whatever has come together while the client was busy. What is the same
for all calls of a run is a worker plugin, which reaches each worker once, and one that joins later when it does.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import cloudpickle
from distributed import Client

from .dask_cargo import NOT_BEGUN, Cargo, Exited, call_pickled, call_with_cargo

__all__ = ["DaskPool"]

# Calls and results travel for some milliseconds, in which a worker would have nothing to do: so much lies ready for it.
_READY_SECONDS = 0.1
_MOST_READY = 64

# A cluster that starts its workers when there is work for them is given some.
_CALLS_FOR_NO_WORKERS = 16


class DaskFuture(Future[Any]):
    """A call on a worker.

    Args:
        stop: Keeps this call and all that belong with it from beginning; without it only this one can be given up.
    """

    def __init__(self, stop: Callable[[], None] | None = None):
        super().__init__()
        self.stop = stop

    def cancel(self) -> bool:
        """Whether it is cancelled; one that has a ``stop`` may be later, once the workers know."""
        if self.stop is None:
            self.give_up()
        else:
            self.stop()
        return self.cancelled()

    def give_up(self) -> None:
        """Cancel it, whatever its worker does."""
        if not self.done() and super().cancel():
            self.set_running_or_notify_cancel()  # for whoever waits for it


class DaskPool(Executor):
    """The workers of a cluster as a pool. Shutting it down leaves the client open.

    Args:
        client: A client for threads, not for coroutines.
    """

    def __init__(self, client: Client):
        self._client = client
        self._name = f"ccflow-etl-{uuid4().hex}"
        self._numbers = count()
        self._address = client.scheduler.address
        self._is_lost = False
        self._threads = sum(client.nthreads().values())
        self._lock = threading.Lock()
        self._unsent: list[tuple[DaskFuture, bytes]] = []
        self._running: dict[DaskFuture, Any] = {}  # with Dask's own future, once it is sent
        self._ended: list[tuple[DaskFuture, Any]] = []
        self._fetching: dict[asyncio.Future[Any], set[str]] = {}
        client.subscribe_topic("all", self._hear)

    def ahead(self, seconds: float | None) -> int:
        """How many calls to have under way when each takes so many seconds; None while that is not known.

        Long ones are as many as there are threads, so that none waits at a worker when it should not begin any more.
        """
        threads = self._threads or _CALLS_FOR_NO_WORKERS
        if seconds is None:
            return threads
        return threads + min(int(threads * _READY_SECONDS / max(seconds, 1e-6)), _MOST_READY)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call on a worker.

        Raises:
            BrokenExecutor: The scheduler is gone.
        """
        return self._submit(DaskFuture(), partial(fn, *args, **kwargs))

    def _submit(self, future: DaskFuture, call: Callable[[], Any]) -> DaskFuture:
        if not self._is_up:
            raise self._lost()
        pickled = cloudpickle.dumps(call)
        with self._lock:
            self._unsent.append((future, pickled))
            self._running[future] = None
        future.add_done_callback(self._forget)
        self._client.loop.add_callback(self._send)
        return future

    @contextmanager
    def carrying(self, fn: Callable[..., Any], cargo: bytes) -> Iterator[Callable[..., "Future[Any]"]]:
        """For the length of the context, a function that submits ``fn(cargo, *args)`` for its arguments.

        Once one of its futures is told to cancel, no more of these calls begin: those that have begun end, and the
        futures of all others are cancelled.
        """
        name = f"{self._name}-cargo-{next(self._numbers)}"
        carried = Cargo(name, fn, cargo)
        self._client.register_plugin(carried)

        def stop() -> None:
            if not carried.stopped and self._is_up:
                carried.stopped = True
                with suppress(OSError, asyncio.CancelledError):  # of a scheduler that is gone, with all of its calls
                    self._stop(carried, stop)

        try:
            yield lambda *args: self._submit(DaskFuture(stop), partial(call_with_cargo, name, *args))
        finally:
            if self._is_up:
                with suppress(OSError):
                    self._client.unregister_worker_plugin(name)

    def _stop(self, carried: Cargo, stop: Callable[[], None]) -> None:
        """Tell the workers, and those that come, that no more calls begin; give up what no worker has."""
        self._client.register_plugin(carried)
        with self._lock:
            waiting = {future: sent for future, sent in self._running.items() if future.stop is stop}
        at_workers = {key for keys in self._client.processing().values() for key in keys}
        # Asked for afterwards: what was at a worker and is no more is done, or the worker is.
        done = self._client.who_has([sent for sent in waiting.values() if sent is not None and not sent.cancelled()])
        begun = at_workers | {key for key, workers in done.items() if workers}
        for future, sent in waiting.items():
            if sent is not None and sent.key not in begun and sent.status == "pending":
                future.give_up()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the calls to end, or give them up."""
        with self._lock:
            running = list(self._running)
        if cancel_futures:
            for future in running:
                future.give_up()
        elif wait:
            wait_for(running)
        if self._is_up:
            self._client.unsubscribe_topic("all")  # to write to one who has gone is an error that is logged

    # What follows runs in the client's event loop, or is quick.

    def _send(self) -> None:
        with self._lock:
            batch, self._unsent = self._unsent, []
        batch = [(future, call) for future, call in batch if not future.done()]
        if not batch:
            return
        keys = [f"{self._name}-{next(self._numbers)}" for _ in batch]
        try:
            sent = self._client.map(call_pickled, [call for _, call in batch], key=keys, pure=False)
        except Exception as error:
            for future, _ in batch:
                _set(future, error=error)
            return
        for (future, _), dask_future in zip(batch, sent, strict=True):
            with self._lock:
                if future in self._running:
                    self._running[future] = dask_future
            self._client.loop.add_callback(self._follow, future, dask_future)

    async def _follow(self, future: DaskFuture, dask_future: Any) -> None:
        while dask_future.status in ("pending", "lost"):  # with its worker, so that it is run again
            await dask_future._state.wait()
        self._ended.append((future, dask_future))
        if len(self._ended) == 1:
            self._client.loop.add_callback(self._collect)

    async def _collect(self) -> None:
        ended, self._ended = self._ended, []
        finished = [sent.key for _, sent in ended if sent.status == "finished"]
        try:
            results = await self._fetched(finished) if finished else {}
        except Exception as error:
            for future, _ in ended:
                _set(future, error=self._lost() if isinstance(error, OSError) else error)
            return
        for future, sent in ended:
            if sent.status == "error":
                _set(future, error=await sent.exception(asynchronous=True))
            elif sent.status == "cancelled":
                told = CancelledError("the call was cancelled on the cluster")
                _set(future, error=told if self._is_up else self._lost())
            elif sent.key not in results:  # lost in the meantime
                self._client.loop.add_callback(self._follow, future, sent)
            elif results[sent.key] is NOT_BEGUN:
                future.give_up()
            elif isinstance(exited := results[sent.key], Exited):
                _set(future, error=exited.kind(*exited.args))
            else:
                _set(future, results[sent.key])

    async def _fetched(self, keys: list[str]) -> dict[str, Any]:
        """The results of calls; none if one of them is lost, or is while it is fetched."""
        fetching = asyncio.ensure_future(self._client.scheduler.gather(keys=keys))
        self._fetching[fetching] = set(keys)
        await asyncio.wait({fetching})
        del self._fetching[fetching]
        return {} if fetching.cancelled() else fetching.result().get("data", {})

    async def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Told by the scheduler of whatever is of interest to all."""
        match event:
            case _, {"action": "add-worker" | "remove-worker", **more}:
                lost = set(more.get("lost-computed-tasks", ()))
                for fetching, keys in self._fetching.items():
                    if lost & keys:  # for half a minute Dask would try to reach the worker that had them
                        fetching.cancel()
                with suppress(OSError):
                    self._threads = sum((await self._client.scheduler.ncores(workers=None)).values())

    def _forget(self, future: "Future[Any]") -> None:
        with self._lock:
            sent = self._running.pop(future, None)  # type: ignore[call-overload] # any future may be looked for
        if sent is not None:
            sent.release()

    @property
    def _is_up(self) -> bool:
        return not self._is_lost and self._client.status == "running"

    def _lost(self) -> BrokenExecutor:
        self._is_lost = True  # asked anything more, the client would try to connect for half a minute
        return BrokenExecutor(
            f"the Dask scheduler at {self._address} is gone: start one, and run again what has not ended"
        )


def _set(future: DaskFuture, result: Any = None, error: BaseException | None = None) -> None:
    if future.done():  # given up
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
