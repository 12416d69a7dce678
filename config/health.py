"""`python -m config.health`: the container's health check, for whichever of our processes runs in it.

A listener that is not there belongs to another container; one that is there must answer well; one at least must be.
"""

import http.client
import sys

from config.settings import Settings, SettingsError, load

TIMEOUT_S = 3.0


def answers(port: int) -> bool | None:
    """Whether `/healthz` on this machine's port answers 200; None when nothing listens there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ports(settings: Settings) -> list[int]:
    ports = (settings.http_port, settings.origin_port, settings.storage_port, settings.webrtc_port, settings.relay_port)
    return [port for port in ports if port]


def main() -> int:
    """Return 0 when all that runs here is well."""
    try:
        settings = load().settings
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = {port: answers(port) for port in _ports(settings)}
    sick = [port for port, is_well in found.items() if is_well is False]
    if sick or not any(found.values()):
        sys.stderr.write(f"unhealthy: {found}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
