"""Sources sent on to other servers: `job.py` is the job, `rtmp.py` and `srt.py` are the two ways out.

A target's slowness ends here: `backlog.py` leaves pictures out up to a keyframe rather than let anything wait.
"""
