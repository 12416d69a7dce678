"""The ingest process stays small: what decodes and encodes belongs to its children."""

import subprocess
import sys


def test_ingest_loads_no_codec_library() -> None:
    code = "import sys, media.server; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
