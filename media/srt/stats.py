"""What libsrt counts of a connection: `SRT_TRACEBSTATS` of srt.h, whose fields are only ever appended."""

import ctypes
from ctypes import c_double, c_int, c_int64, c_uint64

from schemas.ingest import NetworkHealth

SPARE_BYTES = 256
"""For fields of libraries that are newer than 1.5."""

_TOTALS = """
q:ms_time_stamp q:sent q:received i:send_lost i:lost i:retransmitted i:sent_acks i:received_acks i:sent_naks
i:received_naks q:send_us i:send_dropped i:dropped i:undecrypted Q:sent_bytes Q:received_bytes Q:lost_bytes
Q:retransmitted_bytes Q:send_dropped_bytes Q:dropped_bytes Q:undecrypted_bytes
"""
_SINCE_CLEARED = """
q:new_sent q:new_received i:new_send_lost i:new_lost i:new_retransmitted i:retransmissions i:new_sent_acks
i:new_received_acks i:new_sent_naks i:new_received_naks d:send_mbps d:receive_mbps q:new_send_us i:reorder_distance
d:belated_ms q:belated i:new_send_dropped i:new_dropped i:new_undecrypted Q:new_sent_bytes Q:new_received_bytes
Q:new_lost_bytes Q:new_retransmitted_bytes Q:new_send_dropped_bytes Q:new_dropped_bytes Q:new_undecrypted_bytes
"""
_NOW = """
d:send_period_us i:flow_window i:congestion_window i:flight_size d:rtt_ms d:bandwidth_mbps i:send_room_bytes
i:receive_room_bytes d:max_bandwidth_mbps i:mss_bytes i:send_buffer i:send_buffer_bytes i:send_buffer_ms
i:send_delay_ms i:receive_buffer i:receive_buffer_bytes i:receive_buffer_ms i:receive_delay_ms
"""
_TYPES: dict[str, type[c_int64 | c_uint64 | c_int | c_double]] = {
    "q": c_int64,
    "Q": c_uint64,
    "i": c_int,
    "d": c_double,
}


class Trace(ctypes.Structure):
    """Global counters run from the connection's start; "new" ones too, as nobody here clears them."""

    _fields_ = [
        *((name[2:], _TYPES[name[0]]) for name in (_TOTALS + _SINCE_CLEARED + _NOW).split()),
        ("rest", ctypes.c_char * SPARE_BYTES),
    ]
    received: int
    sent: int
    lost: int
    retransmissions: int
    dropped: int
    send_dropped: int
    received_bytes: int
    rtt_ms: float
    receive_delay_ms: int

    def health(self) -> NetworkHealth:
        """Return the receiving side."""
        return NetworkHealth(
            rtt_ms=round(self.rtt_ms, 1),
            received_packets=self.received,
            lost_packets=self.lost,
            # A packet that is asked for twice may come twice.
            recovered_packets=max(min(self.retransmissions, self.lost - self.dropped), 0),
            dropped_packets=self.dropped,
            latency_ms=self.receive_delay_ms,
        )
