"""`tally demo` as a publisher."""

import subprocess

from tests.product import Product


def demo(product: Product, *options: str) -> subprocess.Popen[bytes]:
    """Publish a small test card to the demo channel until the process is ended."""
    return subprocess.Popen(
        [product.executable, "demo", "--width", "640", "--height", "360", "--bitrate", "1000", *options],
        env=product.environ,
        cwd=product.folder,
        stdin=subprocess.DEVNULL,
    )
