import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PaidCalls } from '@agentpay/mcp/paid';
import { RECEIPT_KEYS_PATH } from '@agentpay/protocol';
import type { Tool } from '@modelcontextprotocol/sdk/types.js';

/** Where tools are sold. */
export const MCP_PATH = '/mcp';

export interface ListedTool {
  readonly tool: Tool;
  /** In words. */
  readonly price: string;
}

interface Listing {
  readonly name: string;
  readonly calls: PaidCalls;
  readonly offered: ReadonlyMap<string, ListedTool>;
  /** Default: what the request has as its host. */
  readonly baseUrl: string | undefined;
}

const HOST = /^[\w.-]{1,253}(?::\d{1,5})?$|^\[[\da-f:.]{2,45}\](?::\d{1,5})?$/i;

/**
 * Serves what buyers find the tools by, free of charge: `/.well-known/x402`, `/llms.txt` and the keys of signed receipts.
 * @returns whether a request was for one of them
 */
export function mcpDiscovery(listing: Listing): (req: IncomingMessage, res: ServerResponse) => boolean {
  const documents: Readonly<Record<string, (at: string) => object | string>> = {
    '/.well-known/x402': (at) => x402Listing(listing, at),
    '/llms.txt': (at) => llmsText(listing, at),
    [RECEIPT_KEYS_PATH]: () => listing.calls.receiptKeys(),
  };
  return ({ url = '/', method, headers: { host = '' } }, res) => {
    const path = url.split('?', 1)[0] as string;
    const write = Object.hasOwn(documents, path) ? documents[path] : undefined;
    if (!write || (method !== 'GET' && method !== 'HEAD')) return false;
    const base = listing.baseUrl ?? `http://${HOST.test(host) ? host : 'localhost'}`;
    const found = write(base.replace(/\/+$/, '') + MCP_PATH);
    const text = typeof found === 'string' ? found : JSON.stringify(found);
    const type = typeof found === 'string' ? 'text/plain' : 'application/json';
    res.writeHead(200, {
      'Content-Type': `${type}; charset=utf-8`,
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'public, max-age=300',
      'Access-Control-Allow-Origin': '*',
      ...(listing.baseUrl === undefined && { Vary: 'Host' }),
    });
    res.end(text);
    return true;
  };
}

/** The tools that cost something, by the server that has them, with what a call can be paid with. */
function x402Listing({ calls, offered }: Listing, at: string) {
  const items = [...calls.offers()].map(([name, accepts]) => {
    const { description, inputSchema } = offered.get(name)?.tool ?? {};
    return {
      type: 'mcp',
      resource: at,
      tool: name,
      ...(description !== undefined && { description }),
      inputSchema,
      accepts,
    };
  });
  return { version: 1, x402Version: 2, resources: [at], items };
}

function llmsText({ name, offered }: Listing, at: string): string {
  const lines = [...offered].map(
    ([
      tool,
      {
        price,
        tool: { description },
      },
    ]) => {
      const line = description?.replace(/\s+/g, ' ').trim();
      return `- \`${tool}\`: ${price}${line ? `. ${line}` : ''}`;
    },
  );
  return `# ${name}

Tools of an MCP server at ${at} (streamable HTTP), each paid for by the call. A call without payment gives a result that
says what to pay; send the same call again with the payment in its \`_meta\`: \`x402/payment\`, or \`org.paymentauth/credential\` of MPP.

## Tools

${lines.join('\n')}

## More

- [x402 offers](${new URL('/.well-known/x402', at)})
- [Keys of signed receipts](${new URL(RECEIPT_KEYS_PATH, at)})
`;
}
