"""`reconciler run`: the daemon in the foreground, until a signal ends it."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from reconciler import __version__
from reconciler.settings import InvalidSettings, Settings
from reconciler.surfaces.cli.session import Running
from reconciler.surfaces.logs import Logs, set_level
from reconciler.surfaces.ports import RunningDaemon

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_EXIT_OF_SIGNALS = 128

Reload = Callable[[], tuple[Settings, str]]


async def run_daemon(running: Running, *, reload: Reload) -> int:
    """Run until SIGINT or SIGTERM, and take the settings again at SIGHUP.

    A second signal ends the process at once.
    """
    logs = running.logs
    stop = asyncio.Event()
    received: list[int] = []
    async with running.wiring.open_daemon(running.settings, logs) as daemon:
        with _signals(stop, received, lambda: _reload(daemon, reload, logs)):
            logs.info("daemon_started", version=__version__, checksum=running.checksum())
            await daemon.run(stop)
    logs.info("daemon_stopped", signal=signal.Signals(received[0]).name)
    return _EXIT_OF_SIGNALS + received[0]


@contextlib.contextmanager
def _signals(
    stop: asyncio.Event, received: list[int], reload: Callable[[], None]
) -> Iterator[None]:
    """Listen to signals, in the place of whoever listened before."""
    loop = asyncio.get_running_loop()

    def note(number: int) -> None:
        received.append(number)
        loop.remove_signal_handler(number)
        stop.set()

    for number in _STOPPING:
        loop.add_signal_handler(number, note, number)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        for number in (*_STOPPING, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _reload(daemon: RunningDaemon, reload: Reload, logs: Logs) -> None:
    """Take other settings; those that cannot be used change nothing."""
    try:
        settings, level = reload()
        changed = daemon.reload(settings)
    except InvalidSettings as error:
        logs.error("settings_refused", reason=str(error))
        return
    set_level(level)
    logs.info("settings_reloaded", changed=list(changed.taken))
    if changed.needing_restart:
        logs.warning("settings_need_restart", changed=list(changed.needing_restart))
