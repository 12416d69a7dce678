"""RTMP: a sans-IO core (`handshake`, `chunks`, `amf`, `connection`, `flv`) under one asyncio shell (`server`)."""
