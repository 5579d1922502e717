// Puts the panels together. A panel knows its part of the page; only this file knows them all.

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { announce } from "./dom.js";
import { EchoWatch } from "./echo-watch.js";
import { ExchangeLog } from "./exchanges.js";
import { info, observe, targets } from "./gateway.js";
import { InForce } from "./in-force.js";
import { shareByLink } from "./link.js";
import { onIdle, whenNeeded } from "./lazy.js";
import { TokenForm } from "./token.js";

const find = (id) => document.getElementById(id);

const composer = new Composer((request) => exchanges.send(request));
const exchanges = new ExchangeLog();
const echo = new EchoWatch();
const tokenForm = new TokenForm(load);
const connection = new Connection(() => {
  announce("The gateway answers again.");
  load();
  soon.forEach((start) => start());
});
let traffic = null;

observe({
  answered: () => connection.answered(),
  silent: () => connection.failed(),
  unauthorized: () => tokenForm.ask(),
});
new InForce(echo);
shareByLink(composer);
load();

// What a first look does not need comes later. Two panels show what goes on elsewhere, so they come soon.
const soon = [
  whenNeeded(find("impairments"), () => import("./impairments.js"), ({ Impairments }) => new Impairments(echo, composer)),
  whenNeeded(find("traffic-panel"), () => import("./traffic.js"), ({ Traffic }) => { traffic = new Traffic(echo); }),
];
whenNeeded(find("series"), () => import("./series.js"), ({ Series }) => new Series(composer));
whenNeeded(find("primer"), () => import("./primer.js"), ({ Primer }) => new Primer(echo));
onIdle(() => soon.forEach((start) => start()));

/// What the page shows of the gateway itself; again after each return, for it may be another one by then.
async function load() {
  try {
    const [known, { version }] = await Promise.all([targets(), info()]);
    composer.offer(known);
    echo.follow(known.find(({ embedded }) => embedded));
    find("about").textContent = version ? `Yodel ${version}, an HTTP gateway to UDP` : "Yodel, an HTTP gateway to UDP";
    traffic?.restart();
  } catch (error) {
    echo.leave(error.detail);
  }
}
