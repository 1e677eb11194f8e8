import { decodeInput, renderError, runtime, toolsOf, type Auth, type ToolDefinition } from '@agentpay/api';
import type { Core, Principal } from '@agentpay/core';
import type { ToolOutcome } from '@agentpay/mcp';
import { AgentPayError, memoize } from '@agentpay/primitives';
import type { Express, Request } from 'express';
import { admit } from './admit.js';
import { isPresented } from '../auth/authenticate.js';
import { readBody } from './body.js';
import { noCookies } from './cookies.js';
import { fetchPaidRoute } from './fetchPaid.js';
import { asAgentPayError, rememberFamily } from './errors.js';
import type { EndpointRoute } from './implement.js';
import { nameOf, refuseMethod, type MountOptions } from './mount.js';
import { perform } from './perform.js';
import { noted } from './noted.js';

export interface McpOptions extends MountOptions {
  readonly core: Core;
  /** Origin of the API: pages of any other origin are refused, as the transport demands against DNS rebinding. */
  readonly baseUrl: () => string;
  readonly version: string;
}

const CALLERS = {
  auth: ['agent', 'agentKey', 'apiKey', 'explorer'],
  optionalAuth: [],
  rate: 'standard',
} as const;
type Caller = (typeof CALLERS.auth)[number];

/**
 * `POST /mcp`: the endpoints that are tools and that the caller's credential opens, and `fetch_paid` for those whose wallets pay on
 * chains, by the Streamable HTTP transport without sessions. A refused call is a result, not a failure of the protocol.
 */
export function mcpRoutes(app: Express, routes: readonly EndpointRoute[], options: McpOptions): void {
  // Made when it is first asked for: schemas are slow to make.
  const offered = memoize(CALLERS.auth.length, (kind: Caller) =>
    kind === 'agentKey' || kind === 'apiKey'
      ? offer([...routes, fetchPaidRoute(options.core, kind)], kind)
      : offer(routes, 'agent'),
  );
  app.post('/mcp', async (request, response) => {
    response.locals['endpoint'] = 'web.mcp';
    rememberFamily(response, runtime);
    assertOrigin(request, options.baseUrl());
    const principal = (await admit(CALLERS, options, request, response)) as Principal;
    const { tools, routeOf } = offered(CALLERS.auth.find((kind) => isPresented(kind, request)) ?? 'agent');
    const message = await readBody(request, response);
    if (Array.isArray(message)) throw new AgentPayError('invalid_request', 'Send one message at a time.');
    const call = (tool: ToolDefinition, input: Record<string, unknown>) =>
      callTool(
        routeOf.get(tool.endpoint.id) as EndpointRoute,
        { input, principal },
        options,
        nameOf(request, response),
      );
    // Slow to load, and an API may never be asked for a tool.
    const { createMcpServer, serveHttp } = await import('@agentpay/mcp');
    await serveHttp(createMcpServer(tools, call, options), request, response, message);
  });
  app.all('/mcp', refuseMethod(runtime, ['POST']));
}

/** What a credential opens. */
function offer(routes: readonly EndpointRoute[], kind: Auth) {
  const open = routes.filter(({ endpoint: { auth } }) => auth.length === 0 || auth.includes(kind));
  return {
    tools: toolsOf(open.map(({ endpoint }) => endpoint)),
    routeOf: new Map(open.map((route) => [route.endpoint.id, route])),
  };
}

async function callTool(
  route: EndpointRoute,
  { input, principal }: { input: Record<string, unknown>; principal: Principal },
  options: McpOptions,
  name: { readonly requestId: string; readonly named: boolean },
): Promise<ToolOutcome> {
  const { requestId } = name;
  try {
    const came = { principal, ...name, params: input, said: () => input };
    const response = await noted(route, came, options, async () => {
      const decoded = decodeInput(route.endpoint, input);
      const asked = { decoded, principal, idempotencyKey: undefined, cookies: noCookies };
      return perform(route, asked, options, requestId);
    });
    return { ok: true, response };
  } catch (error) {
    const shown = asAgentPayError(error);
    if (shown.status >= 500) options.log.error({ requestId, err: error }, 'request failed');
    return { ok: false, error: renderError(route.family, shown, requestId).body.error };
  }
}

function assertOrigin(request: Request, baseUrl: string): void {
  const origin = request.get('origin');
  if (origin === undefined || origin === new URL(baseUrl).origin) return;
  throw new AgentPayError('forbidden', 'Pages of other origins cannot use this.', {
    reason: 'origin_refused',
  });
}
