const socket = new WebSocket(`ws://${location.host}/ws/guestbook/`);
const field = document.querySelector("input");
socket.onopen = () => (field.disabled = false);
socket.onmessage = ({ data }) => {
  const entry = document.createElement("li");
  entry.textContent = data;
  document.querySelector("ul").append(entry);
};
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  socket.send(field.value);
};
