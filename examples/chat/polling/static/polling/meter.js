// Counts what one way of getting messages costs, and shows it in a column of the table.

export class Meter {
  #cells;
  #counts = { requests: 0, messages: 0, bytes: 0 };
  #delays = [];

  /** `cells` are the table's cells of this column, by their `data-count`. */
  constructor(cells) {
    this.#cells = Object.fromEntries([...cells].map((cell) => [cell.dataset.count, cell]));
    this.#show();
  }

  count(name, amount = 1) {
    this.#counts[name] += amount;
    this.#show();
  }

  delay(milliseconds) {
    this.#delays.push(Math.max(0, milliseconds));
    this.#show();
  }

  #show() {
    const { requests, messages, bytes } = this.#counts;
    this.#cells.requests.textContent = requests.toLocaleString();
    this.#cells.messages.textContent = messages.toLocaleString();
    this.#cells.bytes.textContent = size(bytes);
    this.#cells.delay.textContent = this.#delays.length ? `${Math.round(mean(this.#delays))} ms` : "–";
  }
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

function size(bytes) {
  return bytes < 10_000 ? `${bytes.toLocaleString()} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

/** Bytes of a WebSocket message on the wire, with the header of its frame. */
export function frameSize(text) {
  const length = new TextEncoder().encode(text).length;
  return length + (length < 126 ? 2 : length < 65_536 ? 4 : 10);
}

/** Bytes of an HTTP response on the wire: status line, the headers a script may see, and the body. */
export function responseSize(response, body) {
  let length = "HTTP/1.1 200 OK\r\n\r\n".length + new TextEncoder().encode(body).length;
  for (const [name, value] of response.headers) length += name.length + value.length + 4;
  return length;
}
