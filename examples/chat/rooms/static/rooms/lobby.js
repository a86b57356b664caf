// The door to the rooms: the guest's name stays in the browser, the server knows what a room is called.

import { ownName, rememberName } from "../js/identity.js";

const form = document.querySelector("#enter");
const name = form.elements.name;

if (name) {
  name.value = ownName();
  form.addEventListener("submit", () => {
    if (name.value.trim()) rememberName(name.value.trim());
  });
  form.addEventListener("formdata", ({ formData }) => formData.delete("name"));
}
