// Puts the panels together. A panel knows its part of the page; only this file knows them all.

import { Problem, Unreachable, info, sendMessage, targets } from "./gateway.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { ExchangeLog } from "./exchanges.js";
import { announce } from "./dom.js";
import { TokenForm } from "./token.js";

const composer = new Composer(send);
const log = new ExchangeLog(send);
const tokenForm = new TokenForm(load);
const connection = new Connection(() => {
  announce("The gateway answers again.");
  load();
});

load();

/// What the page shows of the gateway itself; again after each return, for it may be another one by then.
async function load() {
  await asking(async () => composer.offer(await targets()));
  await asking(async () => {
    const { version } = await info();
    document.getElementById("about").textContent = version ? `Yodel ${version}, an HTTP gateway to UDP` : "Yodel, an HTTP gateway to UDP";
  });
}

async function send(request) {
  const entry = log.begin(request);
  await asking(async () => entry.replied(await sendMessage(request)), entry);
}

/// Runs what talks to the gateway, and tells the parts of the page that care how that went.
async function asking(work, entry = null) {
  try {
    await work();
    connection.answered();
  } catch (error) {
    if (error instanceof Problem) {
      connection.answered();
      entry?.refused(error);
      if (error.name === "unauthorized") {
        tokenForm.ask();
      }
    } else if (error instanceof Unreachable) {
      entry?.unanswered();
      connection.failed();
    } else {
      throw error; // A bug of the page, for its console.
    }
  }
}
