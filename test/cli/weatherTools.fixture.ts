import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

/** An MCP server that knows nothing of money, as a seller has it. Its first argument is the unit that it answers in. */
const server = new McpServer({ name: 'weather', version: '1.0.0' });
const unit = process.argv.slice(2).join(' ');
const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
server.registerTool('forecast', { description: 'Tomorrow', inputSchema: { city: z.string() } }, ({ city }) =>
  city === 'Atlantis' ? { ...text('no such place'), isError: true } : text(`sunny in ${city}, ${unit}`),
);
server.registerTool('ping', {}, () => text('pong'));
await server.connect(new StdioServerTransport());
