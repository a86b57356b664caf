// The door to the rooms: a name and a room.

import { ownName, rememberName } from "../js/identity.js";

const form = document.querySelector("#enter");
const roomName = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 40).replace(/^-+|-+$/g, "");

if (form.elements.name) form.elements.name.value = ownName();

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const room = roomName(form.elements.room.value);
  if (form.elements.name?.value.trim()) rememberName(form.elements.name.value.trim());
  if (room) location.href = new URL(`${room}/`, location.href).href;
});
