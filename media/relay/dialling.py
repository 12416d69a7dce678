"""TCP and TLS connections to strangers' servers, only to addresses that may be reached.

Errors: `Setback` (the text is for the job's owner), `Forbidden`.
"""

import asyncio
import socket
import ssl

from config.addresses import Forbidden, Reach
from media.relay.job import Setback

HANDSHAKE_S = 10.0
BUFFER_BYTES = 1 << 20
"""Read from the kernel and not taken yet."""


async def dial(
    reach: Reach, host: str, port: int, *, is_secure: bool, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a connection; with TLS the certificate must be of `host`. `tls` replaces the default context."""
    try:
        connection = await reach.connect(host, port)
    except Forbidden:
        raise
    except socket.gaierror as error:
        raise Setback("There is no server of that name.") from error
    except TimeoutError as error:
        raise Setback("The server does not answer.") from error
    except OSError as error:
        raise Setback("The server cannot be reached.") from error
    context = (tls or ssl.create_default_context()) if is_secure else None
    try:
        return await asyncio.open_connection(
            sock=connection,
            ssl=context,
            server_hostname=host if context is not None else None,
            ssl_handshake_timeout=HANDSHAKE_S if context is not None else None,
            limit=BUFFER_BYTES,
        )
    except ssl.SSLCertVerificationError as error:
        connection.close()
        raise Setback("The server's certificate is not valid.") from error
    except OSError as error:
        connection.close()
        raise Setback("The server does not speak TLS." if is_secure else "The server cannot be reached.") from error
