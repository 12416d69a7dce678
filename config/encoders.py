"""The video encoders that rungs can be made with, and the presets of each: FFmpeg's own names."""

SOFTWARE = "libx264"
"""What every machine has, and what takes over when another is not able."""
PRESETS: dict[str, tuple[str, ...]] = {
    SOFTWARE: ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"),
    "h264_nvenc": ("p1", "p2", "p3", "p4", "p5", "p6", "p7"),
    "h264_qsv": ("veryfast", "faster", "fast", "medium", "slow"),
    "h264_videotoolbox": ("veryfast",),  # it has none; the word is not looked at
    "libsvtav1": tuple(map(str, range(6, 14))),  # slower ones are no matter of real time
}
USUAL_PRESETS = {
    SOFTWARE: "veryfast",
    "h264_nvenc": "p4",
    "h264_qsv": "veryfast",
    "h264_videotoolbox": "veryfast",
    "libsvtav1": "10",
}
