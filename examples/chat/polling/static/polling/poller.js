// Gets the messages of a room by asking for them again and again.

/**
 * Events: "answer" with `detail` {response, body, data, clockOffset} for each poll, "failure" when one fails.
 * `clockOffset` is how far the server's clock is ahead of ours, as told by the fastest poll so far.
 */
export class Poller extends EventTarget {
  interval = 2_000;
  #address;
  #timer = null;
  #fastest = Infinity;
  #clockOffset = 0;

  /** `address` is called before each poll: the query says which message was the last. */
  constructor(address) {
    super();
    this.#address = address;
  }

  async poll() {
    clearTimeout(this.#timer);
    const begun = Date.now();
    try {
      const response = await fetch(this.#address(), { cache: "no-store" });
      const body = await response.text();
      if (!response.ok) throw new Error(`status ${response.status}`);
      const data = JSON.parse(body);
      this.#compareClocks(data.now, begun, Date.now());
      const detail = { response, body, data, clockOffset: this.#clockOffset };
      this.dispatchEvent(new CustomEvent("answer", { detail }));
    } catch {
      this.dispatchEvent(new Event("failure"));
    }
    this.restart();
  }

  /** Wait for the interval as it is now, then poll. */
  restart() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.poll(), this.interval);
  }

  #compareClocks(serverTime, begun, ended) {
    if (ended - begun >= this.#fastest) return;
    this.#fastest = ended - begun;
    this.#clockOffset = serverTime - (begun + ended) / 2;
  }
}
