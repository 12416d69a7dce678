"""What ends an RTMP connection, and whose fault it was.

ProtocolError      the peer broke the protocol or a limit; close, count `reason`
  Unsupported      legal, but we can't carry it; tell the publisher which codec, close
"""


class ProtocolError(Exception):
    """The peer sent what it must not. `reason` is a short slug that is counted, `detail` goes to the log."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Unsupported(ProtocolError):
    """A codec that is not carried. `codec` is its name for humans."""

    def __init__(self, codec: str) -> None:
        super().__init__("unsupported_codec", codec)
        self.codec = codec
