// A list of any length in a box that scrolls: only the rows in sight exist, and each is used again for another entry.

import { make } from "./dom.js";

// Rows kept beyond the edges, so that a scroll does not show a hole first.
const spare = 4;

export class Rows {
  /// `fill(row, entry)` writes an entry into a row; `entryAt(index)` gives one, 0 being the uppermost.
  constructor(box, { fill, entryAt, onChoose }) {
    Object.assign(this, { box, fill, entryAt });
    this.sheet = make("div", { class: "sheet" });
    this.rows = new Map();
    this.unused = [];
    this.length = 0;
    box.append(this.sheet);
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    box.addEventListener("click", ({ target }) => {
      const row = target.closest(".line");
      if (row) {
        onChoose(row.entry);
      }
    });
    box.addEventListener("keydown", (event) => this.move(event));
    this.measure();
    new ResizeObserver(() => this.measure()).observe(box);
  }

  /// `added` of the entries are new, at the upper end. Who has scrolled down, or stands in a row, keeps seeing the same ones.
  show(length, added) {
    const isHeld = this.box.scrollTop > 0 || this.box.contains(document.activeElement) && document.activeElement !== this.box;
    this.length = length;
    this.sheet.style.height = `${length * this.height}px`;
    if (isHeld && added > 0) {
      this.box.scrollTop += added * this.height;
    }
    this.draw();
  }

  measure() {
    this.height = parseFloat(getComputedStyle(this.sheet).minHeight);
    this.show(this.length, 0);
  }

  draw() {
    const from = Math.max(0, Math.floor(this.box.scrollTop / this.height) - spare);
    const to = Math.min(this.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.height) + spare);
    const wanted = new Map();
    for (let index = from; index < to; index += 1) {
      wanted.set(this.entryAt(index), index);
    }
    for (const [entry, row] of this.rows) {
      if (!wanted.has(entry)) {
        this.rows.delete(entry);
        this.release(row);
      }
    }
    // In the order of the picture, for who hears it; those that stand right are not touched, and so keep the focus.
    let next = this.sheet.firstElementChild;
    for (const [entry, index] of wanted) {
      const row = this.rows.get(entry) ?? this.use(entry);
      while (next?.hidden) {
        next = next.nextElementSibling;
      }
      if (row === next) {
        next = next.nextElementSibling;
      } else {
        this.sheet.insertBefore(row, next);
      }
      row.style.transform = `translateY(${index * this.height}px)`;
    }
  }

  // The keyboard's place is not lost with a row that scrolls out of sight.
  release(row) {
    if (row === document.activeElement) {
      this.box.focus({ preventScroll: true });
    }
    row.entry = null;
    row.hidden = true;
    this.unused.push(row);
  }

  use(entry) {
    const row = this.unused.pop() ?? make("button", { type: "button", class: "line", tabindex: "-1" });
    this.fill(row, entry);
    row.entry = entry;
    row.hidden = false;
    this.rows.set(entry, row);
    return row;
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || this.length === 0) {
      return;
    }
    event.preventDefault();
    const inSight = Math.ceil(this.box.scrollTop / this.height);
    const current = document.activeElement.entry ? this.indexOf(document.activeElement) + step : inSight;
    const index = Math.min(this.length - 1, Math.max(0, current));
    const top = index * this.height;
    this.box.scrollTop = Math.min(top, Math.max(this.box.scrollTop, top + this.height - this.box.clientHeight));
    this.draw();
    this.rows.get(this.entryAt(index)).focus({ preventScroll: true });
  }

  indexOf(row) {
    return Math.round(parseFloat(row.style.transform.slice("translateY(".length)) / this.height);
  }
}
