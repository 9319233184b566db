"""The only file that knows Dask: a connection to a scheduler, and jobs sent to its workers."""

import asyncio
import contextlib
import importlib.util
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from reconciler.cluster.tasks import RangeAnswer, RangeJob, read_range
from reconciler.errors import CannotLook, ReadInterrupted

# Dask's own annotations leave open which of its methods are to be awaited.
Client = Any
Future = Any

EXTRA = "pip install 'balance-reconciler[cluster]'"

CONNECT_SECONDS_MAX = 5.0
CLOSE_SECONDS_MAX = 2.0
# A job whose worker raises (a fault, not what the database does) is done so often again.
RETRIES_MAX = 2
# A cluster may be without any worker for so long while they start anew.
WORKERS_AWAY_SECONDS_MAX = 30.0
LOOK_SECONDS = 0.5
ANSWER_SECONDS_MAX = 5.0

# What must be the same on the scheduler, the workers and here, for values travel pickled.
PACKAGES = ("balance-reconciler", "distributed", "pymongo")


def dask_is_installed() -> bool:
    """Whether the extra `cluster` is there."""
    return importlib.util.find_spec("distributed") is not None


class DaskWorkers:
    """The workers of one scheduler, to which it connects once there is something to do.

    Args:
        address: `tcp://host:port`, or `tls://…` with the certificates that Dask's own
            configuration names.
        connect_seconds_max: what connecting may take; the scheduler is tried again within it.
        workers_away_seconds_max: how long a job waits while there is no worker at all.
    """

    def __init__(
        self,
        address: str,
        *,
        connect_seconds_max: float = CONNECT_SECONDS_MAX,
        workers_away_seconds_max: float = WORKERS_AWAY_SECONDS_MAX,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._connect_seconds_max = connect_seconds_max
        self._workers_away_seconds_max = workers_away_seconds_max
        self._monotonic = monotonic
        self._client: Client = None
        self._turn = asyncio.Lock()
        self._looked_at = 0.0
        self._deserted_since: float | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._disconnect()

    async def connect(self, *, seconds: float) -> None:
        """Connect, unless that is done.

        Raises:
            CannotLook: the scheduler is away, has no workers, or has other versions.
        """
        async with self._turn:
            if self._client is not None and self._client.status == "running":
                return
            await self._disconnect()
            self._client = await self._connected(min(seconds, self._connect_seconds_max))

    async def read(self, job: RangeJob, *, seconds: float) -> RangeAnswer:
        """Have a job done by a worker; if it ends early, the job is called off.

        Raises:
            ReadInterrupted: the connection was lost, or time was up.
            CannotLook: there are no workers, or the job failed on each worker that tried it.
        """
        client = self._client
        if client is None or client.status != "running":
            raise ReadInterrupted(f"the connection to {self._named} was lost")
        with self._translating():
            future = client.submit(
                read_range,
                job,
                key=f"read-range-{uuid.uuid4().hex}",
                pure=False,
                retries=RETRIES_MAX,
            )
            try:
                return await self._result(client, future, seconds)
            finally:
                # Nobody wants it any more: unless it runs already, it never will.
                with contextlib.suppress(Exception):
                    future.release()

    @property
    def _named(self) -> str:
        return f"the Dask scheduler {self._address} (scan.dask_scheduler)"

    async def _connected(self, seconds: float) -> Client:
        import distributed  # noqa: PLC0415 - an extra, and slow to import

        client: Client = distributed.Client(  # type: ignore[no-untyped-call]
            self._address,
            asynchronous=True,
            set_as_default=False,
            timeout=seconds,
            name="balance-reconciler",
        )
        try:
            async with asyncio.timeout(seconds):
                await client
                versions = await client.get_versions(packages=list(PACKAGES))
        except (OSError, TimeoutError, ImportError, ValueError, AttributeError) as error:
            await _closed(client)
            raise CannotLook(
                f"{self._named} cannot be reached ({type(error).__name__}): check the address, and "
                "that the scheduler runs"
            ) from error
        except BaseException:
            await _closed(client)
            raise
        if why := unfit(versions):
            await _closed(client)
            raise CannotLook(f"{self._named} cannot be used: {why}")
        self._deserted_since = None
        return client

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await _closed(client)

    async def _result(self, client: Client, future: Future, seconds: float) -> RangeAnswer:
        until = self._monotonic() + seconds
        coming = asyncio.ensure_future(future.result())
        try:
            while not coming.done():
                left = until - self._monotonic()
                if left <= 0:
                    raise ReadInterrupted("no worker of the cluster answered in time")
                done, _ = await asyncio.wait({coming}, timeout=min(left, LOOK_SECONDS))
                if not done:
                    await self._look_for_workers(client, seconds=left)
            if coming.cancelled():
                raise ReadInterrupted(f"the connection to {self._named} was lost")
            answer: RangeAnswer = coming.result()
            return answer
        finally:
            coming.cancel()
            await asyncio.wait({coming})
            if not coming.cancelled():
                coming.exception()  # looked at, so that asyncio does not report it

    async def _look_for_workers(self, client: Client, *, seconds: float) -> None:
        """Note whether there are workers; of many jobs one looks for all.

        Raises:
            CannotLook: there have been none for too long.
        """
        now = self._monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        async with asyncio.timeout(min(seconds, ANSWER_SECONDS_MAX)):
            threads = await client.ncores()
        if threads:
            self._deserted_since = None
        elif self._deserted_since is None:
            self._deserted_since = now
        elif now - self._deserted_since > self._workers_away_seconds_max:
            raise CannotLook(
                f"{self._named} has had no worker for {self._workers_away_seconds_max:g} seconds: "
                "start workers"
            )

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        """Say in a sentence what went wrong; what an exception says may hold anything."""
        from distributed.client import FutureCancelledError  # noqa: PLC0415
        from distributed.scheduler import KilledWorker  # noqa: PLC0415

        try:
            yield
        except (CannotLook, ReadInterrupted):
            raise
        except (FutureCancelledError, OSError, TimeoutError) as error:
            raise ReadInterrupted(f"the connection to {self._named} was lost") from error
        except KilledWorker as error:
            raise CannotLook(
                f"each of {error.allowed_failures + 1} workers of the cluster died while reading "
                "it: look at the workers' logs, and at the memory that they have"
            ) from error
        except Exception as error:  # noqa: BLE001 - whatever a worker raised
            raise CannotLook(
                f"it failed on {RETRIES_MAX + 1} workers of the cluster with "
                f"{type(error).__name__}: look at the workers' logs"
            ) from None


async def _closed(client: Client) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await client.close(timeout=CLOSE_SECONDS_MAX)


def unfit(versions: Mapping[str, Any]) -> str | None:
    """Say why a cluster cannot be used, by what it says of its versions; None if it can."""
    workers: Mapping[str, Any] = versions["workers"]
    if not workers:
        return "it has no workers: start some"
    ours = _relevant(versions["client"])
    there = {"its scheduler": versions["scheduler"]} | {
        f"worker {address}": each for address, each in workers.items()
    }
    for name, each in there.items():
        theirs = _relevant(each)
        for package, version in ours.items():
            if theirs.get(package) != version:
                found = theirs.get(package) or "none"
                return (
                    f"{name} has {package} {found} and this process {version}: install the same "
                    "versions on the scheduler, the workers and here"
                )
    return None


def _relevant(versions: Mapping[str, Any]) -> dict[str, str | None]:
    python = ".".join(str(versions["host"]["python"]).split(".")[:2])
    return {"Python": python} | {name: versions["packages"].get(name) for name in PACKAGES}
