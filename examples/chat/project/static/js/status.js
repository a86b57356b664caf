// The badge that says how the connection is.

const WORDS = { connecting: "connecting", open: "connected", reconnecting: "reconnecting" };

export function showState(connection, badge) {
  const show = () => {
    badge.dataset.state = connection.state;
    badge.textContent = WORDS[connection.state];
  };
  connection.addEventListener("state", show);
  show();
}
