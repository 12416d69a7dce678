"""The ports that the processes listen on, and whether they are free."""

import errno
import socket

import msgspec

from config.embedded.runtime import CannotStart
from config.settings import Settings


class Listener(msgspec.Struct, frozen=True):
    """A port that one of our processes will open."""

    host: str
    port: int
    variable: str
    is_udp: bool = False


def listeners(settings: Settings) -> list[Listener]:
    """Return what `tally serve` will open with these settings."""
    found = [
        Listener(settings.http_host, settings.http_port, "TALLY_HTTP_PORT"),
        Listener(settings.internal_host, settings.internal_port, "TALLY_INTERNAL_PORT"),
        Listener(settings.origin_host, settings.origin_port, "TALLY_ORIGIN_PORT"),
        Listener(settings.storage_host, settings.storage_port, "TALLY_STORAGE_PORT"),
    ]
    if settings.rtmp_port:
        found.append(Listener(settings.rtmp_host, settings.rtmp_port, "TALLY_RTMP_PORT"))
    if settings.serves_rtmps:
        found.append(Listener(settings.rtmp_host, settings.rtmps_port, "TALLY_RTMPS_PORT"))
    if settings.webrtc_port:
        found.append(Listener(settings.webrtc_host, settings.webrtc_port, "TALLY_WEBRTC_PORT"))
    if settings.relay_port:
        found.append(Listener(settings.relay_host, settings.relay_port, "TALLY_RELAY_PORT"))
    if settings.irc_port:
        found.append(Listener(settings.irc_host, settings.irc_port, "TALLY_IRC_PORT"))
    if settings.srt_port:
        found.append(Listener(settings.srt_host, settings.srt_port, "TALLY_SRT_PORT", is_udp=True))
    return found


def check(settings: Settings) -> None:
    """Raise `CannotStart` when a port is not to be had."""
    seen: dict[tuple[int, bool], str] = {}
    for listener in listeners(settings):
        place = (listener.port, listener.is_udp)
        if place in seen:
            raise CannotStart(f"{seen[place]} and {listener.variable} are both {listener.port}: change one")
        seen[place] = listener.variable
        if reason := trouble(listener):
            raise CannotStart(reason)


def trouble(listener: Listener) -> str | None:
    """Return in one line why this port cannot be opened and what to do; None when it can."""
    host, port, variable = listener.host, listener.port, listener.variable
    host_variable = variable.replace("RTMPS", "RTMP").removesuffix("PORT") + "HOST"
    try:
        wanted = socket.SOCK_DGRAM if listener.is_udp else socket.SOCK_STREAM
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=wanted, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, kind, protocol) as probe:
            if not listener.is_udp:
                # as the processes do: a port of which only closed connections are left is free
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        return f"{host} ({host_variable}) is not an address: {error.strerror}"
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} ({variable}) is in use by another program: stop it or set {variable}"
        if error.errno == errno.EACCES:
            return f"port {port} ({variable}) is only for root: set {variable} to a port from 1024 on"
        return f"{host} ({host_variable}) cannot be listened on: {error.strerror}"
    return None
