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

  get detail() {
    return this.members.detail ?? this.message;
  }
}

/// No answer at all: the gateway is stopped, or the way to it is.
export class Unreachable extends Error {
  detail = "The gateway cannot be reached.";
}

let observer = { answered() {}, silent() {}, unauthorized() {} };

/// Tells one observer how each request went, whoever made it.
export function observe(told) {
  observer = told;
}

// Relative, so that the page also works behind a proxy that puts it under a path.
export function urlOf(path) {
  return new URL(path, document.baseURI).href;
}

export function targets() {
  return call("api/targets").then((answer) => answer.targets);
}

export function info() {
  return call("api/info");
}

export function sendMessage(request) {
  // The gateway keeps the time; this is only for one that hangs.
  return call("api/messages", "POST", messageBody(request), request.timeout + 5000);
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

/// A JSON answer.
export async function call(path, method = "GET", body = undefined, patience = 5000) {
  const response = await request(path, { method, body, signal: AbortSignal.timeout(patience) });
  const members = parsed(await reached(response.text()));
  if (!members) {
    throw problem(response);
  }
  return members;
}

/// A streamed answer: once it has begun, its lines, until it ends or is cut, or `signal` ends it.
export async function stream(path, options) {
  const response = await request(path, options);
  return lines(response.body.pipeThrough(new TextDecoderStream()).getReader());
}

async function* lines(reader) {
  for (let rest = ""; ;) {
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) {
      return;
    }
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

async function request(path, { method = "GET", body, accept = "application/json", headers = {}, signal }) {
  const token = currentToken();
  const all = {
    Accept: accept, ...headers,
    ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }),
  };
  const options = { method, headers: all, body: body && JSON.stringify(body), cache: "no-store", signal };
  const response = await reached(fetch(urlOf(path), options));
  observer.answered();
  if (!response.ok) {
    throw problem(response, parsed(await reached(response.text())));
  }
  return response;
}

async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error.name !== "AbortError") { // The page's own doing.
      observer.silent();
    }
    throw new Unreachable(error.message);
  }
}

function problem(response, members) {
  const foreign = { title: `HTTP status ${response.status}`, detail: "This is not the gateway’s own answer: something between it and this page answered." };
  const found = new Problem(response.status, members ?? foreign, response.headers.get("Retry-After"));
  if (found.name === "unauthorized") {
    observer.unauthorized();
  }
  return found;
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
