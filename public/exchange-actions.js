// What can be done with an exchange: the same again, here or elsewhere.

import { isLoopback } from "./address.js";
import { copy } from "./clipboard.js";
import { asCurl, asNetcat, asPython } from "./copy-as.js";
import { announce, button, make } from "./dom.js";
import { currentToken } from "./token.js";

export function actions(record, onResend) {
  const { request } = record;
  const note = make("span", { class: "note" });
  const copier = (name, compose) => button(`Copy as ${name}`, async () => {
    const { command, error } = compose();
    const done = error ?? ((await copy(command)) ? copied(name, request.target) : "The browser did not let it be copied.");
    note.textContent = done;
    announce(done);
  });
  const hasToken = () => currentToken() !== null;
  return make("footer", { class: "actions" },
    button("Resend", onResend),
    copier("curl", () => asCurl(request, hasToken())),
    copier("Python", () => asPython(request, hasToken())),
    copier("nc", () => asNetcat(request, record.outcome?.answer?.sender)),
    note);
}

function copied(name, target) {
  const elsewhere = name === "nc" && target && isLoopback(target.address) && !isLoopback(location.hostname);
  return elsewhere ? "Copied, for a shell on the gateway’s machine." : "Copied.";
}
