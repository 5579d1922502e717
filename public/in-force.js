// The banner that says what is in force, whoever set it.

import { grouped, impairmentsInWords } from "./words.js";

export class InForce {
  constructor(echo) {
    this.bar = document.getElementById("in-force-bar");
    this.words = document.getElementById("in-force");
    this.remaining = document.getElementById("remaining");
    document.getElementById("switch-off").addEventListener("click", async () => {
      try {
        await echo.impair("DELETE");
        document.getElementById("message").focus();
      } catch (error) {
        this.remaining.textContent = error.detail;
      }
    });
    echo.subscribe((state) => this.show(state?.impairments));
  }

  show(impairments) {
    const words = impairments ? impairmentsInWords(impairments) : "";
    this.bar.hidden = words === "";
    const sentence = words && `Impairments in force: ${words}.`;
    // Spoken at a change only; the time that remains stands outside of what is spoken.
    if (this.words.textContent !== sentence) {
      this.words.textContent = sentence;
    }
    const left = impairments?.expires_in_ms;
    this.remaining.textContent = left ? `${grouped(Math.ceil(left / 1000))} s left` : "";
  }
}
