// One room twice: what the WebSocket brings on one side, what polling brings on the other.

import { Composer } from "../js/composer.js";
import { Connection, socketAddress } from "../js/connection.js";
import { ownName } from "../js/identity.js";
import { MessageList } from "../js/messages.js";
import { showState } from "../js/status.js";
import { frameSize, Meter, responseSize } from "./meter.js";
import { Poller } from "./poller.js";

const page = document.querySelector("#compare");
const isGuest = !document.body.dataset.user;
const isOwn = (message) => message.author === ownName() && message.guest === isGuest;
const side = (name) => ({
  messages: new MessageList(page.querySelector(`#${name} .messages`), isOwn),
  meter: new Meter(page.querySelectorAll(`td[data-side=${name}]`)),
});
const pushed = side("websocket");
const polled = side("polling");
let clockOffset = 0;

function show({ messages, meter }, message, isNew) {
  if (!messages.add(message)) return;
  meter.count("messages");
  if (isNew) meter.delay(Date.now() + clockOffset - message.created);
}

// WebSocket

const connection = new Connection(() =>
  socketAddress(`ws/rooms/${page.dataset.room}/`, { name: ownName(), after: pushed.messages.lastId }),
);

const handlers = {
  history: ({ messages }) => messages.forEach((message) => show(pushed, message, false)),
  message: (message) => show(pushed, message, true),
  error: (message) => composer.showError(message.text),
};

connection.addEventListener("message", ({ detail: { message, text } }) => {
  pushed.meter.count("bytes", frameSize(text));
  handlers[message.type]?.(message);
});
connection.addEventListener("state", () => {
  if (connection.state === "open") pushed.meter.count("requests");
});

// Polling

const pollStatus = page.querySelector("#polling .status");
const poller = new Poller(() => `${page.dataset.api}?after=${polled.messages.lastId}`);
let isFirst = true;

poller.addEventListener("answer", ({ detail }) => {
  clockOffset = detail.clockOffset;
  polled.meter.count("requests");
  polled.meter.count("bytes", responseSize(detail.response, detail.body));
  for (const message of detail.data.messages) show(polled, message, !isFirst);
  isFirst = false;
  pollStatus.dataset.state = "open";
  pollStatus.textContent = "polling";
});
poller.addEventListener("failure", () => {
  pollStatus.dataset.state = "reconnecting";
  pollStatus.textContent = "no answer";
});
page.querySelector("#interval").addEventListener("change", ({ currentTarget }) => {
  poller.interval = Number(currentTarget.value);
  poller.restart();
});

// Writing

async function post(text) {
  const response = await fetch(page.dataset.api, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": page.dataset.csrf },
    body: JSON.stringify({ name: ownName(), text }),
  }).catch(() => null);
  if (!response?.ok) composer.showError("The message could not be posted.");
  return response?.ok ?? false;
}

const composer = new Composer(page.querySelector(".composer"), (text, button) =>
  button?.value === "post" ? post(text) : connection.send({ text }),
);

showState(connection, page.querySelector("#websocket .status"));
composer.follow(connection);
connection.open();
poller.poll();
