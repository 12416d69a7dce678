"""A child that speaks `messages` and then does what no child should: the first argument says what.

It codes nothing: each video packet comes back once for each rung. Run as `python strange_child.py KIND`.
"""

import os
import signal
import struct
import sys
import time

import msgspec

from media.packets import CodecConfig, Packet, TrackKind
from media.transcode.messages import (
    AUDIO,
    Begin,
    Coded,
    Configure,
    Finish,
    FromChild,
    Media,
    Progress,
    Ready,
    RungConfig,
    RungProgress,
    ToChild,
    Trouble,
)
from media.wire import pack

KIND = sys.argv[1]
decoder: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)


def read() -> ToChild:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        sys.exit(0)
    return decoder.decode(sys.stdin.buffer.read(struct.unpack(">I", head)[0]))


def say(*messages: FromChild) -> None:
    sys.stdout.buffer.write(b"".join(map(pack, messages)))
    sys.stdout.buffer.flush()


def progress(begin: Begin, taken: int, newest: int) -> Progress:
    rungs = [
        RungProgress(rung.name, taken, 3, newest, KIND == "sheds" and rung is begin.rungs[0] and taken > 5)
        for rung in begin.rungs
    ]
    return Progress(taken, newest, 0, rungs, time.process_time() + taken, 50_000_000)


def misbehave(taken: int) -> None:
    """Do it, after some packets."""
    if KIND == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif KIND == "exits":
        say(Trouble("out of luck", "error", is_final=True))
        sys.exit(3)
    elif KIND == "hangs":
        time.sleep(600)
    elif KIND == "talks nonsense":
        sys.stdout.buffer.write(struct.pack(">I", 5) + b"\xc1\xc1\xc1\xc1\xc1")
        sys.stdout.buffer.flush()
        time.sleep(600)
    elif KIND == "talks at length":
        sys.stdout.buffer.write(struct.pack(">I", 1 << 30))
        sys.stdout.buffer.flush()
        time.sleep(600)
    elif KIND == "invents a rung":
        say(RungConfig("4320p", CodecConfig(TrackKind.VIDEO, "avc1", b"x")))
    elif KIND == "forgets its configuration":
        say(Coded(AUDIO, []))
    elif KIND == "hoards":
        hoard = bytearray(os.urandom(1 << 20) * 200)
        time.sleep(600)
        print(len(hoard), file=sys.stderr)
    elif KIND == "chatters":
        sys.stderr.write("".join(f"line {number}\n" for number in range(200)))
        sys.stderr.flush()


def main() -> None:
    """Live."""
    begin = read()
    assert isinstance(begin, Begin)
    if KIND == "is never ready":
        time.sleep(600)
    say(Ready("libx264" if KIND != "uses another encoder" else "h264_nvenc"))
    taken = 0
    while not isinstance(message := read(), Finish):
        if isinstance(message, Configure) and message.config.kind is TrackKind.VIDEO:
            say(*(RungConfig(rung.name, message.config) for rung in begin.rungs))
        if not isinstance(message, Media):
            continue
        taken += 1
        if taken == 10:
            misbehave(taken)
        if KIND == "is slow":
            time.sleep(0.03)
        packet = message.packet
        if packet.kind is TrackKind.VIDEO:
            coded = Packet(packet.kind, packet.pts, packet.pts, packet.is_keyframe, packet.data)
            if KIND != "decodes nothing":
                say(*(Coded(rung.name, [coded]) for rung in begin.rungs))
            newest = packet.pts if KIND != "decodes nothing" else 0
            say(progress(begin, taken, newest))
    if KIND == "does not finish":
        time.sleep(600)


main()
