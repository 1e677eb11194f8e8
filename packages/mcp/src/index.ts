export { createMcpServer, type ToolCaller, type ToolOutcome } from './createMcpServer.js';
export { serveHttp } from './serveHttp.js';
