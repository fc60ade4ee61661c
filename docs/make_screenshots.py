"""Make docs/pictures/*.png from the demonstration's archive: `python docs/make_screenshots.py` (or `make screenshots`).

The demonstration runs in a temporary folder, the viewer serves its archive, and headless Chromium takes the pictures.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from selenium import webdriver

HERE = Path(__file__).parent
DEAD = "https://mp.weixin.qq.com/s/Demo0A1bX9speechRecog1"
# name: address, width, height, theme, language
PICTURES = {
    "overview": ("/", 1200, 1120, "light", "en"),
    "link": (f"/link?url={quote(DEAD, safe='')}", 1200, 1120, "light", "en"),
    "search": (f"/search?q={quote('识别')}", 1200, 700, "light", "en"),
    "links-dark": ("/links", 1200, 900, "dark", "zh"),
    "phone": ("/links?state=dead", 390, 844, "dark", "en"),
}
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main() -> None:
    """Run the demonstration, serve its archive, and take every picture."""
    with tempfile.TemporaryDirectory() as temporary:
        crawler = [sys.executable, "-m", "crawler"]
        folder = Path(temporary) / "demo"
        subprocess.run([*crawler, "demo", "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        serving = subprocess.Popen(  # noqa: S603 - ours
            [*crawler, "serve", "--config", str(folder / "crawler.toml"), "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert serving.stdout
            take(serving.stdout.readline().strip())
        finally:
            serving.terminate()
            serving.wait(20)


def take(address: str) -> None:
    """All pictures, from the viewer at this address."""
    root = address.partition("?")[0].rstrip("/")
    options = webdriver.ChromeOptions()
    for argument in QUIET:
        options.add_argument(argument)
    options.binary_location = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
    )
    driver = shutil.which("chromedriver")  # named, so that selenium looks for none on the network
    if not options.binary_location or not driver:
        sys.exit("headless Chromium is missing: apt-get install chromium chromium-driver fonts-noto-cjk")
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        browser.get(address)
        for name, (page, width, height, theme, language) in PICTURES.items():
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(f"{root}/set?theme={theme}&lang={language}")
            browser.get(root + page)
            time.sleep(1)
            file = HERE / "pictures" / f"{name}.png"
            file.parent.mkdir(exist_ok=True)
            browser.save_screenshot(str(file))
            shrink(file)
    finally:
        browser.quit()


def shrink(file: Path) -> None:
    """Sixty-four colours are enough for letters and boxes, and a third of the bytes."""
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main()
