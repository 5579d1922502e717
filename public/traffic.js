// What the echo server sees from anyone, live.

import { addressText } from "./address.js";
import { Datagrams, kept, originOf } from "./datagrams.js";
import { make } from "./dom.js";
import { Feed } from "./feed.js";
import { Rows } from "./rows.js";
import { grouped } from "./words.js";

// Ten pictures a second look live; more would only be work.
const pictureInterval = 100;

const fields = ["when", "who", "from", "size", "fate", "what"];
const invisible = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu;

export class Traffic {
  constructor(echo) {
    this.box = document.getElementById("traffic");
    this.pause = document.getElementById("pause");
    this.filter = document.getElementById("filter");
    this.state = document.getElementById("traffic-state");
    this.datagrams = new Datagrams();
    this.waiting = [];
    this.words = "Connecting …";
    this.rows = new Rows(this.box, {
      fill: (row, datagram) => this.fill(row, datagram),
      entryAt: (index) => this.datagrams.at(index),
      onChoose: (datagram) => this.choose(datagram),
    });
    this.pause.addEventListener("click", () => this.setPaused(!this.isPaused));
    this.filter.addEventListener("input", () => {
      this.datagrams.filter(this.filter.value);
      this.box.scrollTop = 0;
      this.rows.show(this.datagrams.length, 0);
      this.describe();
    });
    this.feed = new Feed({
      onDatagrams: (datagrams) => this.take(datagrams),
      onGap: (missed) => missed > 0 && this.take([{ missed }]),
      onState: (state, error) => {
        this.words = { live: "Live", waiting: "Connecting …" }[state] ?? error.detail;
        this.describe();
      },
    });
    this.isFollowing = null;
    echo.subscribe(() => this.follow(echo.target !== null));
  }

  /// After a return or a new token.
  restart() {
    if (this.isFollowing) {
      this.feed.turn(true);
    }
  }

  follow(hasEcho) {
    if (hasEcho === this.isFollowing) {
      return;
    }
    this.isFollowing = hasEcho;
    this.feed.turn(hasEcho);
    if (!hasEcho) {
      this.words = "This gateway has no embedded echo server (--no-echo), so there is nothing to see here.";
      this.describe();
    }
  }

  get isPaused() {
    return this.pause.getAttribute("aria-pressed") === "true";
  }

  setPaused(isPaused) {
    this.pause.setAttribute("aria-pressed", String(isPaused));
    if (!isPaused) {
      this.draw();
    }
    this.describe();
  }

  take(datagrams) {
    this.waiting.push(...datagrams);
    if (this.waiting.length > 2 * kept) {
      this.waiting.splice(0, this.waiting.length - kept);
    }
    this.timer ??= setTimeout(() => {
      this.timer = null;
      if (!this.isPaused) {
        this.draw();
      }
      this.describe();
    }, pictureInterval);
  }

  draw() {
    const added = this.datagrams.add(this.waiting);
    this.waiting = [];
    this.rows.show(this.datagrams.length, added);
  }

  describe() {
    const { length } = this.datagrams;
    const count = `${grouped(length)} ${length === 1 ? "datagram" : "datagrams"}${this.filter.value.trim() ? " pass the filter" : ""}`;
    const words = this.words !== "Live" ? this.words
      : this.isPaused ? `Paused, ${grouped(this.waiting.length)} new`
        : length || this.filter.value ? `Live, ${count}` : "Live. Nothing yet: send a message above, or use nc -u from a shell.";
    if (this.state.textContent !== words) {
      this.state.textContent = words;
    }
  }

  fill(row, datagram) {
    if (row.childElementCount === 0) {
      row.append(...fields.map((name) => make("span", { class: name })));
    }
    const values = datagram.missed ? { what: `${grouped(datagram.missed)} datagrams were missed: this page was too slow, or away.` } : inShort(datagram);
    fields.forEach((name, i) => { row.children[i].textContent = values[name] ?? ""; });
    row.className = `line ${datagram.missed ? "missed" : `${datagram.fate} ${originOf(datagram.via_gateway)}`}${datagram.text === null ? " binary" : ""}`;
    row.setAttribute("aria-current", String(datagram === this.chosen));
  }

  async choose(datagram) {
    if (datagram.missed) {
      return;
    }
    this.chosen = datagram;
    this.rows.rows.forEach((row, entry) => row.setAttribute("aria-current", String(entry === datagram)));
    const { showDatagram } = await import("./datagram.js");
    showDatagram(datagram);
  }
}

function inShort(datagram) {
  const { text, base64, impairments, reason } = datagram;
  return {
    when: clock(datagram.time),
    who: originOf(datagram.via_gateway),
    from: addressText(datagram.source),
    size: `${datagram.bytes} B`,
    fate: [reason ? `${datagram.fate}: ${reason.replaceAll("_", " ")}` : datagram.fate, ...impairments.filter((kind) => kind !== "loss")].join(", "),
    what: text === null ? hexOf(base64) : text.slice(0, 200).replace(invisible, " "),
  };
}

function hexOf(base64) {
  return Array.from(atob(base64.slice(0, 64)), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
}

// The day is not said; what is below a millisecond, a Date does not hold.
function clock(iso) {
  const time = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${iso.match(/\.(\d+)/)?.[1] ?? "0"}`;
}
