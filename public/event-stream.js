/// The events of a `text/event-stream`, from its lines: `{ id, type, data }`, `id` being the last that was given (WHATWG HTML, section 9.2).
export async function* events(lines) {
  let id = "";
  let type = "message";
  let data = [];
  for await (const line of lines) {
    const text = line.replace(/\r$/, "");
    if (text === "") {
      if (data.length > 0) {
        yield { id, type, data: data.join("\n") };
      }
      type = "message";
      data = [];
      continue;
    }
    const [, field, value] = text.match(/^([^:]*):? ?(.*)$/);
    switch (field) {
      case "id": id = value; break;
      case "event": type = value; break;
      case "data": data.push(value); break;
      default: break; // A comment keeps the connection alive; `retry` is ours to decide.
    }
  }
}
