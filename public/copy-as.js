// The same request as a command to paste into a shell. Each returns { command }, or { error } where there is none.
//
// What cannot be seen is always escaped: a raw ESC or right-to-left mark in a pasted line would act on the terminal.

import { messageBody, urlOf } from "./gateway.js";
import { grouped } from "./words.js";

// Linux takes at most 128 KiB as one argument, so a longer body goes through stdin.
const longestArgument = 100_000;

// What netcat reads at once, and so the most that it sends as one datagram.
const ncReads = 16_384;

// A shell's printf writes line by line, and at most some KiB at a time; each write would be a datagram of its own.
const printfWritesAtOnce = 512;

export function asCurl(request, hasToken) {
  const json = visibleJSON(messageBody(request));
  const head = ["curl -sS", ...(hasToken ? ['-H "Authorization: Bearer $YODEL_TOKEN"'] : []), "-H 'Content-Type: application/json'"].join(" ");
  const url = quoted(urlOf("api/messages"));
  return json.length <= longestArgument
    ? { command: `${head} -d ${quoted(json)} ${url}` }
    : { command: `${head} -d @- ${url} <<'JSON'\n${json}\nJSON` };
}

// JSON's literals for strings and numbers are Python's too.
export function asPython(request, hasToken) {
  const members = Object.entries(messageBody(request)).map(([name, value]) => `    "${name}": ${visibleJSON(value)},`);
  const token = hasToken ? ', "Authorization": "Bearer " + os.environ["YODEL_TOKEN"]' : "";
  return { command: `python3 - <<'PYTHON'
import json${hasToken ? ", os" : ""}, urllib.error, urllib.request

body = {
${members.join("\n")}
}
request = urllib.request.Request(
    ${visibleJSON(urlOf("api/messages"))},
    data=json.dumps(body).encode(),
    headers={"Content-Type": "application/json"${token}},
)
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as problem:
    answer = problem
print(answer.read().decode(), end="")
PYTHON` };
}

/// Past the gateway, straight to the target.
export function asNetcat(request, sender) {
  const address = request.target ?? sender;
  if (!address) {
    return { error: "The target’s address is not known yet." };
  }
  if (request.bytes.length === 0) {
    return { error: "nc cannot send an empty datagram." };
  }
  if (request.bytes.length > ncReads) {
    return { error: `nc would split it: it sends at most ${grouped(ncReads)} bytes as one datagram.` };
  }
  const atOnce = request.bytes.length <= printfWritesAtOnce && !request.bytes.includes(0x0a);
  const gather = atOnce ? "" : `dd obs=${ncReads} 2>/dev/null | `;
  const seconds = Math.max(1, Math.ceil(request.timeout / 1000));
  return { command: `printf '${printfFormat(request)}' | ${gather}nc -u -w ${seconds} ${quoted(address.address)} ${address.port}` };
}

function printfFormat({ text, bytes }) {
  if (text === null) {
    return octal(bytes);
  }
  const encoder = new TextEncoder();
  const escaped = text.replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}'\\]/gu, (character) => octal(encoder.encode(character)));
  // A first "-" would begin an option.
  return escaped.replaceAll("%", "%%").replace(/^-/, "\\055");
}

function octal(bytes) {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

function visibleJSON(value) {
  return JSON.stringify(value).replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (character) =>
    Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""));
}

function quoted(word) {
  return /^[\w.:/@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
