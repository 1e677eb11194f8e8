import { isIP } from 'node:net';
import { reachOf } from '@agentpay/http';
import { jcs, type FacilitatorRequest, type x402v2 } from '@agentpay/protocol';
import { z } from 'zod';

/** A request to list a paid resource, checked. */
export interface Listing {
  /** Absolute URL without query and fragment; the path is the template where the seller gives one. */
  readonly resource: string;
  /** Where it was bought, to be asked whose it is. */
  readonly url: string;
  readonly type: 'http' | 'mcp';
  /** HTTP method, or name of the tool: one URL may sell several things. */
  readonly name: string;
  readonly requirements: x402v2.PaymentRequirements;
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  /** The extension as the seller declared it. */
  readonly bazaar: unknown;
}

const MAX_BYTES = 16 * 1024;
const MAX_URL = 2_048;
/** Names that lead to a machine or a network of somebody's own (RFC 6761, RFC 6762, RFC 8375). */
const PRIVATE_NAME = /\.(?:localhost|local|internal|intranet|lan|home|corp|private|home\.arpa)$/i;
const TEMPLATE = /^\/[a-zA-Z0-9_/:.\-~%]*$/;

const object = z.record(z.string(), z.unknown());
const withoutBody = z.object({
  type: z.literal('http'),
  method: z.enum(['GET', 'HEAD', 'DELETE']),
  queryParams: object.optional(),
});
const withBody = z.object({
  type: z.literal('http'),
  method: z.enum(['POST', 'PUT', 'PATCH']),
  bodyType: z.enum(['json', 'form-data', 'text']),
  body: z.unknown(),
});
const tool = z.object({
  type: z.literal('mcp'),
  toolName: z.string().min(1).max(256),
  inputSchema: object,
  transport: z.enum(['streamable-http', 'sse']).optional(),
});

const bazaarSchema = z.object({
  info: z.object({
    input: z.union([withoutBody, withBody, tool]),
    output: z
      .object({ type: z.string().max(64).optional() })
      .loose()
      .nullish(),
  }),
  schema: object,
  routeTemplate: z.string().max(MAX_URL).nullish(),
});

/**
 * The listing that a payment asks for by the extension `bazaar`; undefined when it asks for none, a code when it must not be listed.
 * The seller's JSON schema is kept and not run: it is a stranger's program for our processor.
 * @param hosts that may be listed although they are not public, over http as well
 */
export function readListing(
  request: FacilitatorRequest,
  hosts: readonly string[] = [],
): Listing | string | undefined {
  const bazaar = request.x402Version === 2 ? request.paymentPayload.extensions?.['bazaar'] : undefined;
  if (bazaar === undefined || bazaar === null || request.x402Version !== 2) return undefined;
  const parsed = bazaarSchema.safeParse(bazaar);
  if (!parsed.success) return 'invalid_discovery_info';
  if (Buffer.byteLength(jcs(bazaar)) > MAX_BYTES) return 'discovery_info_too_large';
  const { info, routeTemplate } = parsed.data;
  const { resource } = request.paymentPayload;
  const url = resource && resourceUrl(resource.url, hosts, routeTemplate ?? undefined);
  if (!resource || url === undefined) return 'invalid_resource_url';
  const { input } = info;
  return {
    resource: url,
    url: resource.url,
    type: input.type,
    name: input.type === 'mcp' ? input.toolName : input.method,
    requirements: request.paymentRequirements,
    description: resource.description,
    mimeType: resource.mimeType,
    bazaar,
  };
}

/** What is listed must be a public address that a stranger's agent can be sent to. */
function resourceUrl(
  text: string,
  hosts: readonly string[],
  template: string | undefined,
): string | undefined {
  if (text.length > MAX_URL || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!isPublic(url, hosts) || url.username !== '' || url.password !== '') return undefined;
  if (template === undefined) return url.origin + url.pathname;
  return isTemplate(template) ? url.origin + template : undefined;
}

function isPublic({ protocol, hostname, host }: URL, hosts: readonly string[]): boolean {
  if (hosts.includes(host) || hosts.includes(hostname)) return ['http:', 'https:'].includes(protocol);
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0) return protocol === 'https:' && reachOf(address) === 'public';
  return protocol === 'https:' && /[^.]\.[a-z][a-z0-9-]*$/i.test(hostname) && !PRIVATE_NAME.test(hostname);
}

function isTemplate(template: string): boolean {
  const decoded = percentDecoded(template);
  return (
    TEMPLATE.test(template) && decoded !== undefined && !decoded.includes('..') && !decoded.includes('://')
  );
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
