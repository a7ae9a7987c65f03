"""Adds the security headers that every HTTP answer of a server carries."""

from __future__ import annotations

from kinema.web.asgi import Message, Send

HEADERS = {
    # Scripts and styles come from files of this server; one injected into the page does not run.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # The address of the page may hold the token; other sites must not see it.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), "
    "serial=(), hid=(), midi=()",
}
"""Headers of every answer; where the application sets one of them itself, its value is kept."""


def add_headers(send: Send, headers: dict[str, str]) -> Send:
    """Wraps ``send`` so that HTTP answers also carry ``headers``, except those that the application sets itself."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            known = {name.lower() for name, _ in given}
            # A file keeps its name when the version changes, so the browser must check whether its copy is current.
            wanted = {**headers, "cache-control": "no-cache"}
            missing = [(name.encode(), value.encode()) for name, value in wanted.items() if name.encode() not in known]
            message = {**message, "headers": given + missing}
        await send(message)

    return sending
