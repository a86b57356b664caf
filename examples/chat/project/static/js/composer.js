// The form messages are written in.

const ERROR_SHOWN = 4_000; // milliseconds

/** As the server counts: a picture that is two units of JavaScript's strings is one character. */
const lengthOf = (text) => [...text.trim()].length;

/**
 * Enter sends, Shift+Enter breaks the line. `send(text, submitter)` answers false, or a promise of it,
 * when the text could not be sent: then it stays in the form.
 */
export class Composer {
  #form;
  #field;
  #counter;
  #timer = null;

  constructor(form, send) {
    this.#form = form;
    this.#field = form.elements.text;
    this.#counter = form.querySelector(".counter");
    this.#field.addEventListener("input", () => this.#count());
    this.#count();
    form.addEventListener("submit", (event) => this.#submit(event, send));
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
  }

  /** Allow sending only while there is a connection; what is being written stays. */
  follow(connection) {
    const show = () => {
      for (const button of this.#form.querySelectorAll("button[type=submit]:not([data-always])")) {
        button.disabled = connection.state !== "open";
      }
    };
    connection.addEventListener("state", show);
    show();
  }

  showError(text) {
    const line = this.#form.querySelector(".error");
    line.textContent = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (line.textContent = ""), ERROR_SHOWN);
  }

  /** Say how much of the length is used; a text that is too long stays, to be shortened. */
  #count() {
    const length = lengthOf(this.#field.value);
    const limit = Number(this.#field.dataset.limit);
    const excess = length - limit;
    this.#counter.textContent = `${length} / ${limit}`;
    this.#counter.classList.toggle("over", excess > 0);
    this.#field.setCustomValidity(
      excess > 0 ? `This is too long by ${excess} ${excess === 1 ? "character" : "characters"}.` : "",
    );
  }

  #clear() {
    this.#field.value = "";
    this.#count();
  }

  async #submit(event, send) {
    event.preventDefault();
    const text = this.#field.value.trim();
    if (text && (await send(text, event.submitter)) !== false) this.#clear();
    this.#field.focus();
  }
}
