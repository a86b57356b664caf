// A WebSocket that comes back: it reconnects with growing, random delays, so that the clients of a
// restarted server do not all return in the same moment.

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const STEADY_AFTER = 5_000; // an open connection this old counts as good: the next delay is short again

/**
 * Events: "state" when `state` changes, "message" with `detail` {message, text} for each message.
 * States: "connecting", "open", "reconnecting".
 */
export class Connection extends EventTarget {
  state = "connecting";
  #address;
  #socket = null;
  #timer = null;
  #failures = 0;
  #openedAt = 0;

  /** `address` is called before each attempt: the query can say what the page already has. */
  constructor(address) {
    super();
    this.#address = address;
    window.addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
  }

  open() {
    this.#timer = null;
    this.#socket = new WebSocket(this.#address());
    this.#socket.addEventListener("open", () => this.#onOpen());
    this.#socket.addEventListener("message", (event) => this.#onMessage(event.data));
    this.#socket.addEventListener("close", () => this.#onClose());
  }

  /** Send a message; false when there is no connection to send it on, or it is closing already. */
  send(message) {
    if (this.state !== "open" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #onOpen() {
    this.#openedAt = performance.now();
    this.#enter("open");
  }

  #onMessage(text) {
    this.dispatchEvent(new CustomEvent("message", { detail: { message: JSON.parse(text), text } }));
  }

  #onClose() {
    const wasSteady = this.state === "open" && performance.now() - this.#openedAt > STEADY_AFTER;
    this.#failures = wasSteady ? 0 : this.#failures + 1;
    this.#timer = setTimeout(() => this.open(), this.#delay());
    this.#enter("reconnecting");
  }

  #delay() {
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures);
    return longest * (0.5 + Math.random() / 2);
  }

  #retryNow() {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.open();
  }

  #enter(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** The address of a WebSocket of this site; `query` values that are undefined are left out. */
export function socketAddress(path, query = {}) {
  const address = new URL(document.body.dataset.home + path, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) address.searchParams.set(name, value);
  }
  return address.href;
}
