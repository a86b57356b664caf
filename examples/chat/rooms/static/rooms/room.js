// A chat room over its WebSocket.

import { Composer } from "../js/composer.js";
import { Connection, socketAddress } from "../js/connection.js";
import { ownName } from "../js/identity.js";
import { MessageList } from "../js/messages.js";
import { showState } from "../js/status.js";

const page = document.querySelector("#room");
let self = {};

const isOwn = (message) => message.author === self.author && message.guest === self.guest;
const messages = new MessageList(page.querySelector(".messages"), isOwn);
const connection = new Connection(() =>
  socketAddress(`ws/rooms/${page.dataset.room}/`, { name: ownName(), after: messages.lastId }),
);
const composer = new Composer(page.querySelector(".composer"), (text) => connection.send({ text }));

const handlers = {
  history(message) {
    self = message;
    for (const earlier of message.messages) messages.add(earlier);
  },
  message: (message) => messages.add(message),
  notice: (message) => messages.addNotice(message.text),
  error: (message) => composer.showError(message.text),
};

connection.addEventListener("message", ({ detail }) => handlers[detail.message.type]?.(detail.message));
showState(connection, page.querySelector(".status"));
composer.follow(connection);
connection.open();
