"""The README's picture of the page: `make screenshot`."""

import base64
import re
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from conftest import CHROMIUM, Yodel
from servers import Gateway, UDPClient

# With a seed, so that the picture shows the same fates again.
IMPAIRMENTS = {"loss_percent": 8, "delay_ms": 40, "jitter_ms": 15, "distribution": "normal", "duplicate_percent": 5, "corrupt_percent": 3, "seed": 8}


# A third of the PNG's size.
WEBP = """async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.9).split(",")[1];
}"""


def as_webp(page, png):
    return base64.b64decode(page.evaluate(WEBP, base64.b64encode(png).decode()))


def draw(path):
    gateway = Gateway()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
            yodel = Yodel(page, gateway).open()
            yodel.button("Lose some").click()
            expect(yodel.panel("What is UDP?").locator(".said")).to_be_visible(timeout=10_000)
            gateway.ask("PUT", "api/echo/impairments", IMPAIRMENTS)
            expect(yodel.in_force).to_be_visible()
            yodel.number("Count").fill("150")
            yodel.number("Interval").fill("10")
            yodel.button("Start").click()
            expect(yodel.panel("Series").get_by_text("Done.", exact=True)).to_be_visible(timeout=15_000)
            gateway.ask("PUT", "api/echo/impairments", {**IMPAIRMENTS, "corrupt_percent": 100, "loss_percent": 0})
            yodel.presses_send()
            gateway.ask("PUT", "api/echo/impairments", IMPAIRMENTS)
            expect(yodel.in_force).to_contain_text(re.compile("loss 8.%"))
            with UDPClient(gateway) as client:
                client.send(b"from a program of its own")
            expect(yodel.traffic).to_contain_text("of its own")
            page.mouse.move(0, 0)
            page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
            # As far as a README wants to show it.
            end = yodel.panel("Series").bounding_box()
            clip = {"x": 0, "y": 0, "width": 1280, "height": end["y"] + end["height"] + 30}
            picture = as_webp(browser.new_page(), page.screenshot(full_page=True, clip=clip))
            browser.close()
        Path(path).write_bytes(picture)
    finally:
        gateway.stop()


if __name__ == "__main__":
    draw(sys.argv[1])
