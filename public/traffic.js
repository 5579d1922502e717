// What the echo server sees from anyone, live.

import { Datagrams, kept } from "./datagrams.js";
import { Feed } from "./feed.js";
import { Rows } from "./rows.js";
import { fillLine } from "./traffic-line.js";
import { grouped } from "./words.js";

// Ten pictures a second look live; more would only be work.
const pictureInterval = 100;

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
      fill: (row, datagram) => fillLine(row, datagram, datagram === this.chosen),
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
    this.isFollowing = false;
    this.echo = echo;
    echo.subscribe(() => this.follow(echo));
  }

  /// After a return or a new token.
  restart() {
    if (this.isFollowing) {
      this.feed.turn(true);
    }
  }

  follow({ target, problem }) {
    const isFollowing = Boolean(target);
    if (isFollowing !== this.isFollowing) {
      this.isFollowing = isFollowing;
      this.feed.turn(isFollowing);
    }
    if (!isFollowing) {
      this.words = target === undefined ? problem : "This gateway has no embedded echo server (--no-echo), so there is nothing to see here.";
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
    this.echo.seen(datagrams);
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
