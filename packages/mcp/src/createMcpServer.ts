import { jsonSchema, type ErrorBody, type ToolDefinition } from '@agentpay/api';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type CallToolResult,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

/** What became of a call: its response on the wire, or how the API refused it. */
export type ToolOutcome =
  | { readonly ok: true; readonly response: Record<string, unknown> }
  | { readonly ok: false; readonly error: ErrorBody['error'] };

/** Carries out the call of a tool. It does not throw for what a model can act on: that is an outcome. */
export type ToolCaller = (tool: ToolDefinition, input: Record<string, unknown>) => Promise<ToolOutcome>;

const INSTRUCTIONS =
  'Amounts are in currency units with at most six decimals. A refused call is a result with code, reason, message and hint: ' +
  'follow the hint. Refusals of policies and balances are business outcomes; tell the operator instead of trying again.';

/** An MCP server that offers these tools. */
export function createMcpServer(
  tools: readonly ToolDefinition[],
  call: ToolCaller,
  { version }: { readonly version: string },
): Server {
  const named = new Map(tools.map((tool) => [tool.name, tool]));
  const server = new Server(
    { name: 'agentpay', version },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: listing(tools) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }): Promise<CallToolResult> => {
    const tool = named.get(params.name);
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `There is no tool with the name ${params.name}.`);
    const outcome = await call(tool, params.arguments ?? {});
    const text = (value: object) => [{ type: 'text' as const, text: JSON.stringify(value) }];
    // Clients hold structured content against the schema of a success, so an error has none.
    if (!outcome.ok) return { content: text(outcome.error), isError: true };
    return { content: text(outcome.response), structuredContent: outcome.response };
  });
  return server;
}

// A server is made for every request; the schemas are the same for all.
const listings = new WeakMap<readonly ToolDefinition[], Tool[]>();

function listing(tools: readonly ToolDefinition[]): Tool[] {
  const known = listings.get(tools) ?? tools.map(listed);
  listings.set(tools, known);
  return known;
}

function listed(tool: ToolDefinition): Tool {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: tool.input as Tool['inputSchema'],
    outputSchema: jsonSchema(tool.endpoint.response) as Tool['outputSchema'],
    annotations: {
      readOnlyHint: tool.readOnly,
      destructiveHint: tool.destructive,
      idempotentHint: tool.repeatable,
      openWorldHint: tool.openWorld,
    },
    _meta: { 'agentpay/group': groupOf(tool) },
  };
}

/** The noun that a tool is about, its family first where that is not the runtime API: `payments`, `gateway.calls`. */
export function groupOf({ endpoint: { id } }: ToolDefinition): string {
  const [family, noun] = id.split('.') as [string, string];
  return family === 'runtime' ? noun : `${family}.${noun}`;
}
