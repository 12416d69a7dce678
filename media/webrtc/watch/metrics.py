"""What an operator sees of WebRTC's viewers."""

from prometheus_client import Counter, Gauge

viewers = Gauge("tally_whep_viewers", "Viewers that are connected over WebRTC now.")
sessions = Gauge("tally_whep_sessions", "Live sessions that somebody watches over WebRTC now.")
encodes = Gauge("tally_whep_encodes", "Sources coded again for WebRTC alone, because no track of theirs fits.")
refused = Counter("tally_whep_refused", "Viewers that were not let in.", ["reason"])
begun = Counter("tally_whep_begun", "Viewers that connected.")
lost = Counter("tally_whep_lost_packets", "Packets that viewers asked for again.")
retransmitted = Counter("tally_whep_retransmitted_packets", "Packets that were sent again.")
keyframes_wanted = Counter("tally_whep_keyframes_wanted", "Times that a viewer could not go on without a keyframe.")
