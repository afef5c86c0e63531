"""DaskExecutor: the calls of a run on a Dask cluster, as configuration."""

import contextlib
import logging
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Self

from pydantic import Field, PositiveInt, field_validator, model_validator

from .executors import BaseExecutor, until_interrupted
from .interrupts import interrupts_blocked

__all__ = ["DaskExecutor"]

# A worker that died is started again. After a quarter of a minute Dask would see to it that it never is.
_FOR_EVER = "1000000 h"

# Those of distributed that have a level of their own.
_LOGGERS = ("distributed", "distributed.client")


class DaskExecutor(BaseExecutor):
    """Workers of a Dask cluster (extra ``dask``).

    Without an address the cluster is one on this machine, closed after the run.

    >>> DaskExecutor(address="tcp://scheduler:8786").address
    'tcp://scheduler:8786'
    """

    address: str | None = Field(None, description="Address of the scheduler, such as tcp://scheduler:8786.")
    n_workers: PositiveInt | None = Field(
        None, description="How many worker processes a cluster on this machine has; by default what Dask chooses."
    )
    threads_per_worker: PositiveInt | None = Field(
        None, description="How many threads each of those has; by default what Dask chooses."
    )

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str | None) -> str | None:
        if address is not None and not re.fullmatch(r"(\w+://)?[^/]+:\d+", address):
            raise ValueError(f"{address!r} is no address of a scheduler, such as tcp://scheduler:8786")
        return address

    @model_validator(mode="after")
    def _check_whose_workers(self) -> Self:
        if self.address is not None and (self.n_workers or self.threads_per_worker):
            raise ValueError(
                f"n_workers and threads_per_worker are for a cluster on this machine: the one of {self.address} has "
                "workers of its own. Leave them out, or the address."
            )
        return self

    @contextmanager
    def open(self) -> Iterator[Executor]:
        """A pool of the cluster's workers.

        Raises:
            ImportError: Dask is not installed.
            ConnectionError: There is no scheduler at the address.
        """
        try:
            from distributed import Client

            from .dask_pool import DaskPool
        except ImportError as error:
            raise ImportError(
                f"DaskExecutor needs dask and distributed ({error}): pip install 'ccflow-etl[dask]'."
            ) from error
        with _silent(), contextlib.ExitStack() as stack:
            cluster = self.address or stack.enter_context(_local_cluster(self.n_workers, self.threads_per_worker))
            try:
                client = stack.enter_context(Client(cluster, set_as_default=False))
            except OSError as error:
                raise ConnectionError(
                    f"DaskExecutor finds no scheduler at {self.address} ({error}): start one there with 'dask "
                    "scheduler', or leave out the address for a cluster on this machine."
                ) from error
            yield stack.enter_context(until_interrupted(DaskPool(client)))


@contextmanager
def _local_cluster(n_workers: int | None, threads_per_worker: int | None) -> Iterator[Any]:
    """Worker processes that say nothing, leave nothing behind and do not hear Ctrl-C."""
    import dask
    from distributed import LocalCluster

    with (
        _scratch_folder() as scratch,
        dask.config.set({"distributed.deploy.lost-worker-timeout": _FOR_EVER}),
    ):
        with interrupts_blocked(), dask.config.set({"temporary-directory": scratch}):
            cluster = LocalCluster(
                n_workers=n_workers,
                threads_per_worker=threads_per_worker,
                dashboard_address=":0",  # any port: the usual one may be in use
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
            )
        try:
            yield cluster
        except KeyboardInterrupt:
            _kill(cluster)
            raise
        finally:
            cluster.close()


def _kill(cluster: Any) -> None:
    """End the workers, which would be waited for as long as they have work."""
    import psutil

    for nanny in cluster.workers.values():
        nanny.close_gracefully()  # and no other worker is started
        if nanny.pid is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(nanny.pid).kill()


def _scratch_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="ccflow-etl-dask-", ignore_cleanup_errors=True)


@contextmanager
def _silent() -> Iterator[None]:
    """What a cluster tells of its coming and going is nothing to the one who runs a backfill."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
