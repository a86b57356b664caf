// The form messages are written in.

const ERROR_SHOWN = 4_000; // milliseconds

/**
 * Enter sends, Shift+Enter breaks the line. `send(text, submitter)` answers false, or a promise of it,
 * when the text could not be sent: then it stays in the form.
 */
export class Composer {
  #form;
  #field;
  #timer = null;

  constructor(form, send) {
    this.#form = form;
    this.#field = form.elements.text;
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

  async #submit(event, send) {
    event.preventDefault();
    const text = this.#field.value.trim();
    if (text && (await send(text, event.submitter)) !== false) this.#field.value = "";
    this.#field.focus();
  }
}
