"""What an operator sees of WebRTC's peers, WHIP's publishers among them. Viewers: `watch/metrics.py`."""

from prometheus_client import Counter, Gauge

peers = Gauge("tally_webrtc_peers", "WebRTC clients that are connected or about to be.")
unsent = Gauge("tally_webrtc_unsent_datagrams", "Datagrams that the kernel did not take.")
refused = Counter("tally_webrtc_refused", "WHIP and WHEP requests that were refused, by HTTP status.", ["status"])
publishers = Gauge("tally_whip_publishers", "WHIP publishers that are connected or about to be.")
publishers_ended = Counter("tally_whip_ended", "WHIP publishers that went, by reason.", ["reason"])
lost = Counter("tally_whip_lost_packets", "Packets of publishers that did not come when they should have.")
recovered = Counter("tally_whip_recovered_packets", "Of these, that came when they were asked for again.")
