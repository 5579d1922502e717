// What became of an exchange, in words: a kind (for its colour and sign), a title, a detail.

import { differenceInWords } from "./difference.js";

const problemTitles = {
  "malformed-request": () => "The request was malformed",
  "invalid-request": () => "The gateway did not understand the request",
  "unknown-target": () => "The gateway knows no such target",
  "unauthorized": () => "The gateway wants a token",
  "target-not-allowed": () => "That target is not allowed",
  "cross-site": () => "Refused: the request looked like another site’s",
  "control-refused": () => "Refused: this needs the token, or the gateway’s own machine",
  "not-found": () => "The gateway has no such path",
  "method-not-allowed": () => "The gateway does not take this method here",
  "message-too-large": () => "Too large for one datagram",
  "unsupported-media-type": () => "The gateway does not take this kind of body",
  "wrong-host": () => "The gateway does not answer to this host name",
  "rate-limited": () => "Too many messages in a short time",
  "head-too-large": () => "The request’s headers are too large",
  "internal-error": () => "A bug in the gateway",
  "not-implemented": () => "The gateway does not implement this",
  "port-unreachable": () => "Nobody listens there",
  "target-unreachable": () => "The target cannot be reached",
  "overloaded": () => "The gateway is at its limit",
  "draining": () => "The gateway is shutting down",
  "no-reply": (problem, request) => `No reply within ${problem.timeout_ms ?? request.timeout} ms`,
};

export function replyVerdict(request, received, match) {
  return match
    ? { kind: "reply", title: "Reply", detail: "Byte for byte what was sent." }
    : { kind: "differs", title: "The reply differs", detail: differenceInWords(request.bytes, received) };
}

/// `problem`: the members of a problem+json, its `name`, and the seconds of Retry-After as `retry_after`.
export function problemVerdict(request, problem) {
  const { name, title = "An error", detail, retry_after: retryAfter } = problem;
  return {
    // Silence is what UDP does; the other problems are faults.
    kind: name === "no-reply" ? "silent" : "failed",
    title: Object.hasOwn(problemTitles, name) ? problemTitles[name](problem, request) : title,
    detail: [detail, retryAfter && `Try again in ${retryAfter} s.`].filter(Boolean).join(" "),
  };
}

export function unreachableVerdict() {
  return { kind: "failed", title: "The gateway did not answer", detail: "The message may have been sent or not." };
}
