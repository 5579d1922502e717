// The gateway's HTTP API as functions. What fails is one of two: a Problem it answered, or Unreachable.
// (Not called api.js: a rule for the prefix /api, as proxies have them, would catch it.)

import { toHex } from "./bytes.js";
import { currentToken } from "./token.js";

/// An error that was answered: the members of its problem+json, and its `name`, the last part of `type`.
export class Problem extends Error {
  constructor(status, members, retryAfter) {
    super(members.title ?? `HTTP status ${status}`);
    this.name = String(members.type ?? "").replace(/^urn:yodel:problem:/, "");
    this.members = members;
    this.retryAfter = retryAfter;
  }
}

/// No answer at all: the gateway is stopped, or the way to it is.
export class Unreachable extends Error {}

// Relative, so that the page also works behind a proxy that puts it under a path.
export function urlOf(path) {
  return new URL(path, document.baseURI).href;
}

export function targets() {
  return call("api/targets", {}, 5000).then((answer) => answer.targets);
}

export function info() {
  return call("api/info", {}, 5000);
}

export function sendMessage(request) {
  return call("api/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(messageBody(request)),
  }, request.timeout + 5000); // The gateway keeps the time; this is only for one that hangs.
}

/// The request's body as the API wants it; also what is copied as a command.
export function messageBody(request) {
  const content = request.text === null ? { hex: toHex(request.bytes).join("") } : { message: request.text };
  const target = request.target ? { target: request.target.name } : {};
  return { ...content, ...target, timeout_ms: request.timeout };
}

/// "ready", "waiting" (it answers, but takes no work yet or no longer), or "silent".
export async function readiness() {
  try {
    const response = await fetch(urlOf("readyz"), { cache: "no-store", signal: AbortSignal.timeout(3000) });
    await response.arrayBuffer();
    return response.ok ? "ready" : response.status === 503 ? "waiting" : "silent";
  } catch {
    return "silent";
  }
}

async function call(path, options, patience) {
  const token = currentToken();
  const headers = { Accept: "application/json", ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response;
  let text;
  try {
    response = await fetch(urlOf(path), { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(patience) });
    text = await response.text();
  } catch (error) {
    throw new Unreachable(error.message);
  }
  const members = parsed(text);
  if (response.ok && members) {
    return members;
  }
  const foreign = { title: `HTTP status ${response.status}`, detail: "This is not the gateway’s own answer: something between it and this page answered." };
  throw new Problem(response.status, members ?? foreign, response.headers.get("Retry-After"));
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
