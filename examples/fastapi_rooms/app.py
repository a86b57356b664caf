"""Rooms with FastAPI that also hear of what happens outside of them, such as an order by HTTP.

Groups and broadcast are the server's, by the ASGI extension websocket.group; on a server without
it, each member is sent to.
"""

from collections import defaultdict
from typing import Annotated

from fastapi import BackgroundTasks, Body, FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse

PAGE = """<!doctype html>
<title>Orders</title>
<form><input name="text" autocomplete="off" autofocus> <button>Order</button></form>
<ul id="orders"></ul>
<script>
  const address = new URL(location.pathname + "/ws", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  new WebSocket(address).onmessage = ({data}) => {
    orders.append(Object.assign(document.createElement("li"), {textContent: data}));
  };
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    const body = JSON.stringify({text: event.target.text.value});
    fetch(location.pathname, {method: "POST", body, headers: {"content-type": "application/json"}});
    event.target.reset();
  };
</script>
"""

application = FastAPI()
members: defaultdict[str, set[WebSocket]] = defaultdict(set)


def has_groups(websocket: WebSocket) -> bool:
    return "websocket.group" in websocket.scope.get("extensions", {})


async def broadcast(room: str, text: str, sender: WebSocket | None = None) -> None:
    """Send to everybody in a room. With groups one WebSocket does it for all: the sender's."""
    for member in sorted(members.get(room, ()), key=lambda member: member is not sender):
        try:
            if has_groups(member):
                await member._send({"type": "websocket.group.send", "group": room, "text": text})
                return
            await member.send_text(text)
        except (OSError, RuntimeError, WebSocketDisconnect):
            continue  # this one has just closed


@application.get("/{room}", response_class=HTMLResponse)
async def page(room: str) -> str:
    return PAGE


@application.post("/{room}", status_code=202)
async def order(
    room: str, text: Annotated[str, Body(embed=True)], background: BackgroundTasks
) -> None:
    # After the response: send() waits when the client of that WebSocket reads slowly.
    background.add_task(broadcast, room, text)


@application.websocket("/{room}/ws")
async def join(websocket: WebSocket, room: str) -> None:
    await websocket.accept()
    if has_groups(websocket):
        # WebSocket.send() lets only the messages through that Starlette knows.
        await websocket._send({"type": "websocket.group.add", "group": room})
    members[room].add(websocket)
    try:
        async for text in websocket.iter_text():
            await broadcast(room, text, websocket)
    finally:
        members[room].discard(websocket)
        if not members[room]:
            del members[room]
