import { stream } from "./gateway.js";

/// Runs a series: its lines as objects, the summary last, unless `signal` ends it before.
export async function* probe(body, signal) {
  const lines = await stream("api/probes", { method: "POST", accept: "application/x-ndjson", body, signal });
  for await (const line of lines) {
    if (line !== "") {
      yield JSON.parse(line);
    }
  }
}
