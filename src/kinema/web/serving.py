"""Serves an ASGI application to browsers, with checked access, security headers and limited connections."""

from __future__ import annotations

import logging
from contextlib import suppress

from kinema.core.checks import require_extra
from kinema.web.access import AccessMiddleware, access_for
from kinema.web.asgi import App
from kinema.web.connections import ConnectionLimits, ConnectionWatch
from kinema.web.listener import Listener


class WebServer:
    """An application with its listener, not yet running.

    Attributes:
        access: the rules by which calls are accepted.
        address: URL for a browser on this machine; it contains the token if that is random.
        network_address: URL for a browser on another machine; None if no other machine can connect.
    """

    def __init__(
        self,
        app: App,
        listener: Listener,
        *,
        token: str | None = None,
        limits: ConnectionLimits | None = None,
        message_bytes: int = 1 << 20,
        extra: str = "play",
    ) -> None:
        """Prepares to serve.

        Args:
            app: ASGI application.
            listener: from ``kinema.web.listener.listen``; closed when the server ends.
            token: as in ``kinema.web.access.access_for``.
            limits: of connections.
            message_bytes: size of the largest WebSocket message.
            extra: the extra of this package that installs uvicorn and websockets.

        Raises:
            InputError: the token is refused, or uvicorn or websockets is not installed.
        """
        uvicorn, _ = (require_extra(name, extra=extra, purpose="serving a page") for name in ("uvicorn", "websockets"))
        self.access = access_for(listener, token)
        self._listener = listener
        query = f"?token={self.access.token}" if self.access.token is not None and token is None else ""
        self.address = listener.address + query
        network = listener.network_address
        self.network_address = None if network is None else network + query
        config = uvicorn.Config(
            AccessMiddleware(app, self.access),
            http="h11",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws_max_size=message_bytes,
            # Large messages are pictures and videos, which are compressed already.
            ws_per_message_deflate=False,
            ws_ping_interval=10.0,
            ws_ping_timeout=20.0,
            timeout_graceful_shutdown=3,
        )
        config.load()
        watch = ConnectionWatch(ConnectionLimits() if limits is None else limits)
        config.http_protocol_class = watch.http(config.http_protocol_class)
        logging.getLogger("uvicorn.error").addFilter(_is_no_fault_of_callers)
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serves until :meth:`stop` is called or the process is interrupted (Ctrl+C), which is not an error."""
        try:
            # uvicorn raises the signal again after it has shut down, but not in every case.
            with suppress(KeyboardInterrupt):
                self._server.run(sockets=[self._listener.socket])
        finally:
            self._listener.socket.close()

    def stop(self) -> None:
        """Ends a running server; may be called from any thread."""
        self._server.should_exit = True


# Warnings of uvicorn about faults of the other side; strangers must not be able to fill the terminal.
_FAULTS_OF_CALLERS = (
    "Invalid HTTP request",
    "Unsupported upgrade request",
    "Invalid UTF-8 sequence",
    "No supported Web",
)


def _is_no_fault_of_callers(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_FAULTS_OF_CALLERS)
