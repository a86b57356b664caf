// One-to-one chat: the user's one WebSocket carries all conversations; the page shows one of them.

import { Composer } from "../js/composer.js";
import { Connection, socketAddress } from "../js/connection.js";
import { avatar } from "../js/identity.js";
import { MessageList } from "../js/messages.js";
import { showState } from "../js/status.js";

const page = document.querySelector("#direct");
const user = document.body.dataset.user;
const other = page.dataset.other;
const connection = new Connection(() => socketAddress("ws/direct/"));
const messages = other && new MessageList(page.querySelector(".messages"), (message) => message.author === user);
const composer =
  other &&
  new Composer(page.querySelector(".composer"), (text) => connection.send({ type: "message", to: other, text }));

const partner = (message) => (message.author === user ? message.recipient : message.author);

function showInList(message) {
  const name = partner(message);
  const person = [...page.querySelectorAll(".person")].find((element) => element.dataset.name === name);
  if (!person) return;
  person.querySelector(".last").textContent = message.text;
  person.classList.toggle("unread", name !== other);
  person.parentElement.prepend(person);
}

const handlers = {
  history(message) {
    if (message.with === other) for (const earlier of message.messages) messages.add(earlier);
  },
  message(message) {
    if (partner(message) === other) messages.add(message);
    showInList(message);
  },
  error: (message) => composer?.showError(message.text),
};

connection.addEventListener("message", ({ detail }) => handlers[detail.message.type]?.(detail.message));
connection.addEventListener("state", () => {
  if (other) connection.send({ type: "history", with: other, after: messages.lastId });
});
for (const place of page.querySelectorAll("[data-avatar]")) place.replaceWith(avatar(place.dataset.avatar));
for (const badge of page.querySelectorAll(".status")) showState(connection, badge);
composer?.follow(connection);
connection.open();
