// The list of messages of a conversation. Texts are set as text, never as HTML.

import { avatar } from "./identity.js";

const LONGEST_LIST = 500;
const NEAR_END = 80; // pixels: a reader this close to the end is carried along

export class MessageList {
  lastId = 0;
  #list;
  #isOwn;

  /** `isOwn(message)` tells the reader's own messages from the others'. */
  constructor(list, isOwn = () => false) {
    this.#list = list;
    this.#isOwn = isOwn;
  }

  /** Show a message, once and in the order of ids. False when it was there already. */
  add(message) {
    if (this.#list.querySelector(`[data-id="${message.id}"]`)) return false;
    const follow = this.#isAtEnd() || this.#isOwn(message);
    const element = this.#element(message);
    this.#list.insertBefore(element, this.#firstAfter(message.id));
    this.#markRun(element);
    this.#markRun(element.nextElementSibling);
    this.lastId = Math.max(this.lastId, message.id);
    this.#finish(follow);
    return true;
  }

  /** Show a line that is nobody's message. */
  addNotice(text) {
    const follow = this.#isAtEnd();
    const element = document.createElement("li");
    element.className = "notice";
    element.textContent = text;
    this.#list.append(element);
    this.#finish(follow);
  }

  #firstAfter(id) {
    const later = [...this.#list.children].reverse();
    const end = later.findIndex((element) => Number(element.dataset.id) < id);
    return (end < 0 ? later : later.slice(0, end)).findLast((element) => element.dataset.id) ?? null;
  }

  #element(message) {
    const element = document.createElement("li");
    element.className = this.#isOwn(message) ? "message own" : "message";
    element.dataset.id = message.id;
    element.dataset.author = message.author;
    element.dataset.guest = message.guest ?? false;
    element.append(avatar(message.author), bubble(message));
    return element;
  }

  /** Messages of one author in a row show the name only once; a guest of the same name is another. */
  #markRun(element) {
    if (!element?.dataset.id) return;
    const { author, guest } = element.previousElementSibling?.dataset ?? {};
    const isSame = author === element.dataset.author && guest === element.dataset.guest;
    element.classList.toggle("continued", isSame);
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    return scrollHeight - scrollTop - clientHeight < NEAR_END;
  }

  #finish(follow) {
    while (this.#list.childElementCount > LONGEST_LIST) this.#list.firstElementChild.remove();
    if (follow) this.#list.scrollTop = this.#list.scrollHeight;
  }
}

function bubble(message) {
  const element = document.createElement("div");
  element.className = "bubble";
  element.append(author(message), spoken(message.text), time(message.created));
  return element;
}

function spoken(text) {
  const element = part("p", text);
  element.dir = "auto"; // the text says which way it is written
  return element;
}

function author(message) {
  const element = part("strong", message.author);
  if (message.guest) element.append(part("em", "guest"));
  return element;
}

function time(milliseconds) {
  const date = new Date(milliseconds);
  const element = part("time", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  element.dateTime = date.toISOString();
  element.title = date.toLocaleString();
  return element;
}

function part(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
