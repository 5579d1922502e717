// One datagram of the traffic with all that is known of it: its facts, its text, its bytes.

import { fromBase64 } from "./bytes.js";
import { originOf } from "./datagrams.js";
import { button, facts, make, time } from "./dom.js";
import { hexDump } from "./hex-dump.js";
import { textPayload } from "./payload.js";
import { addressText, grouped, sizeInWords } from "./words.js";

export function showDatagram(datagram) {
  const place = document.getElementById("datagram");
  const bytes = fromBase64(datagram.base64);
  const close = button("Close", () => {
    place.hidden = true;
    document.getElementById("traffic").focus({ preventScroll: true });
  });
  place.hidden = false;
  place.replaceChildren(
    make("div", { class: "title-row" }, make("h3", {}, `Datagram from ${addressText(datagram.source)}`), close),
    facts({
      "To": addressText(datagram.destination),
      "Received": time(datagram.time),
      "Size": sizeInWords(datagram.bytes),
      "By way of": datagram.via_gateway ? "this gateway" : originOf(false),
      "Fate": datagram.reason ? `${datagram.fate}: ${datagram.reason}` : datagram.fate,
      ...(datagram.impairments.length ? { "Impaired by": datagram.impairments.join(", ") } : {}),
    }),
    ...(datagram.text ? [textPayload(datagram.text)] : []),
    hexDump(bytes),
    ...(bytes.length < datagram.bytes ? [make("p", { class: "hint" }, `The first ${grouped(bytes.length)} bytes are kept.`)] : []));
  place.scrollIntoView({ block: "nearest" });
}
