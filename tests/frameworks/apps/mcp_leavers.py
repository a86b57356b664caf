"""An MCP server (streamable HTTP) for clients that leave."""

from leaver_routes import gate, say, tell, wait_for_gate
from mcp.server.mcpserver import Context, MCPServer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

server = MCPServer("leavers")


@server.tool()
async def wait(context: Context) -> str:
    """Wait for the gate; report that before and after."""
    try:
        await context.report_progress(1, 2)
        await wait_for_gate()
        await context.report_progress(2, 2)
        say("tool finished")
        return "late"
    finally:
        say("tool ended")


@server.custom_route("/gate", methods=["GET"])
async def open_gate(request: Request) -> Response:
    gate.set()
    return PlainTextResponse("open")


application = tell(server.streamable_http_app())
