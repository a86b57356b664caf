// Who the reader is: the logged-in user, or a guest with a name that the browser remembers.

const KEY = "chat.name";
const FIRST = ["Quiet", "Bright", "Brave", "Merry", "Swift", "Gentle", "Sunny", "Clever"];
const SECOND = ["Otter", "Heron", "Fox", "Wren", "Badger", "Robin", "Hare", "Owl"];

const pick = (words) => words[Math.floor(Math.random() * words.length)];

/** The user's name, or the guest's: an invented one until the guest chooses. */
export function ownName() {
  if (document.body.dataset.user) return document.body.dataset.user;
  if (!localStorage.getItem(KEY)) rememberName(`${pick(FIRST)} ${pick(SECOND)}`);
  return localStorage.getItem(KEY);
}

export function rememberName(name) {
  localStorage.setItem(KEY, name);
}

/** A round badge with a person's initial, in a colour that is always the same for the same name. */
export function avatar(name) {
  const badge = document.createElement("span");
  badge.className = "avatar";
  badge.textContent = [...name][0].toUpperCase();
  badge.setAttribute("aria-hidden", "true");
  badge.style.setProperty("--hue", hue(name));
  return badge;
}

function hue(name) {
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 3600;
  return hash / 10;
}
