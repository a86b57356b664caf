"""Chat rooms with Starlette: what anybody in a room writes, everybody in it reads.

Groups and broadcast are the server's, by the ASGI extension websocket.group.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

PAGE = """<!doctype html>
<title>Room</title>
<ul id="texts"></ul>
<form><input name="text" autocomplete="off" autofocus> <button>Send</button></form>
<script>
  const address = new URL(location.pathname + "/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.onmessage = ({data}) => {
    texts.append(Object.assign(document.createElement("li"), {textContent: data}));
  };
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    socket.send(event.target.text.value);
    event.target.reset();
  };
</script>
"""


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse(PAGE)


async def room(websocket: WebSocket) -> None:
    if "websocket.group" not in websocket.scope.get("extensions", {}):
        raise RuntimeError("this example needs a server with the ASGI extension websocket.group")
    group = websocket.path_params["room"]
    await websocket.accept()
    # WebSocket.send() lets only the messages through that Starlette knows.
    await websocket._send({"type": "websocket.group.add", "group": group})
    async for text in websocket.iter_text():
        await websocket._send({"type": "websocket.group.send", "group": group, "text": text})


application = Starlette(
    routes=[Route("/{room}", page), WebSocketRoute("/{room}/ws", room)],
)
