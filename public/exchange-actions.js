// What can be done with an exchange: the same again, here or elsewhere.

import { announce, button, make } from "./dom.js";
import { currentToken } from "./token.js";

// Fetched with the first exchange, so that nothing is waited for between the click and the copy.
let modules = null;

function loadModules() {
  modules ??= Promise.all([import("./copy-as.js"), import("./clipboard.js")]).catch(() => { modules = null; });
  return modules;
}

export function actions(record, onResend) {
  const { request } = record;
  loadModules();
  const note = make("span", { class: "note" });
  const copier = (name, compose) => button(`Copy as ${name}`, async () => {
    const [commands, clipboard] = await loadModules() ?? [];
    const { command, error } = commands ? compose(commands) : { error: "The gateway cannot be reached." };
    const done = error ?? ((await clipboard.copy(command)) ? copied(name, request.target) : "The browser did not let it be copied.");
    note.textContent = done;
    announce(done);
  });
  const hasToken = () => currentToken() !== null;
  return make("footer", { class: "actions" },
    button("Resend", onResend),
    copier("curl", (commands) => commands.asCurl(request, hasToken())),
    copier("Python", (commands) => commands.asPython(request, hasToken())),
    copier("nc", (commands) => commands.asNetcat(request, record.outcome?.answer?.sender)),
    note);
}

function copied(name, target) {
  const elsewhere = name === "nc" && target && isLoopback(target.address) && !isLoopback(location.hostname);
  return elsewhere ? "Copied, for a shell on the gateway’s machine." : "Copied.";
}

/// Whether "this machine" is meant, which is another one elsewhere.
function isLoopback(host) {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
}
