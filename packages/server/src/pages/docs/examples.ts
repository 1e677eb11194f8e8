import { credentialRow, type Auth, type Endpoint } from '@agentpay/api';

/** A call in wire form, to be shown as a program. */
export interface ExampleCall {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The environment variable in which the examples look for a credential of each kind. */
export const keyVariables: Readonly<Record<Auth, string>> = {
  agent: 'AGENTPAY_API_KEY',
  apiKey: 'AGENTPAY_USER_KEY',
  agentKey: 'AGENTPAY_AGENT_KEY',
  gateway: 'AGENTPAY_GATEWAY_KEY',
  developer: 'AGENTPAY_DEVELOPER_KEY',
  admin: 'AGENTPAY_ADMIN_KEY',
  demoAdmin: 'AGENTPAY_ADMIN_KEY',
  explorer: 'AGENTPAY_EXPLORER_TOKEN',
  session: 'AGENTPAY_SESSION',
};

interface Header {
  readonly name: string;
  /** What stands before the secret. */
  readonly before: string;
  readonly variable: string;
}

/** The call of an endpoint with curl, in a POSIX shell. */
export function curlExample(endpoint: Endpoint, baseUrl: string, call: ExampleCall = endpoint.example) {
  const { method } = endpoint;
  const header = headerOf(endpoint);
  const body = bodyOf(endpoint, call);
  const lines = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(targetOf(endpoint, baseUrl, call))}`,
    ...(header ? [`-H "${header.name}: ${header.before}$${header.variable}"`] : []),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body))}`]),
  ];
  return lines.join(' \\\n  ');
}

/** The same in TypeScript: by the SDK, or by `fetch` where a browser's session is asked for. */
export function typescriptExample(
  endpoint: Endpoint,
  baseUrl: string,
  call: ExampleCall = endpoint.example,
): string {
  const [kind] = endpoint.auth;
  if (kind === 'session') return fetchExample(endpoint, baseUrl, call);
  const [family, noun, verb] = endpoint.id.split('.') as [string, string, string];
  if (noun === 'paid') return buyingExample(endpoint, baseUrl, call);
  const name = family === 'runtime' ? `${noun}.${verb}` : `${family}.${noun}.${verb}`;
  const input = { ...call.params, ...call.query, ...(bodyOf(endpoint, call) as object | undefined) };
  const given = Object.keys(input).length > 0 ? JSON.stringify(input, null, 2) : '';
  return `import { createApiClient } from '@agentpay/sdk';

const api = createApiClient({ url: '${baseUrl}'${keyOption(kind)} });
const result = await api.${name}(${given});`;
}

/** What is paid by x402 is bought as from any seller. */
function buyingExample(endpoint: Endpoint, baseUrl: string, call: ExampleCall): string {
  const { method } = endpoint;
  const body = bodyOf(endpoint, call);
  const init =
    body === undefined
      ? ''
      : `, {
  method: '${method}',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(${JSON.stringify(body)}),
}`;
  return `import { createClient } from '@agentpay/sdk';

const { PRIVATE_KEY: privateKey } = process.env;
const client = createClient({ privateKey, budget: { perRequest: '$200', total: '$200' } });
const response = await client.fetch('${targetOf(endpoint, baseUrl, call)}'${init});
const result = await response.json();`;
}

function keyOption(kind: Auth | undefined): string {
  if (kind === undefined) return '';
  const value = `process.env['${keyVariables[kind]}'] ?? ''`;
  if (kind === 'agent') return `, apiKey: ${value}`;
  return kind === 'admin' ? `, adminKey: ${value}` : `, keys: { ${kind}: ${value} }`;
}

function fetchExample(endpoint: Endpoint, baseUrl: string, call: ExampleCall): string {
  const { name, before, variable } = headerOf(endpoint) as Header;
  const body = bodyOf(endpoint, call);
  const type = body === undefined ? '' : `\n    'content-type': 'application/json',`;
  const content = body === undefined ? '' : `\n  body: JSON.stringify(${JSON.stringify(body)}),`;
  return `const response = await fetch('${targetOf(endpoint, baseUrl, call)}', {
  method: '${endpoint.method}',
  headers: {
    ${name.toLowerCase()}: \`${before}\${process.env['${variable}'] ?? ''}\`,${type}
  },${content}
  redirect: 'manual',
});
const result = await response.text();`;
}

/** The same in Python, with nothing but its standard library. */
export function pythonExample(
  endpoint: Endpoint,
  baseUrl: string,
  call: ExampleCall = endpoint.example,
): string {
  const header = headerOf(endpoint);
  const body = bodyOf(endpoint, call);
  const headers = [
    ...(header ? [`        "${header.name}": f"${header.before}{os.environ['${header.variable}']}",`] : []),
    ...(body === undefined ? [] : ['        "Content-Type": "application/json",']),
  ];
  const lines = [
    ...(header ? ['import os'] : []),
    'import urllib.request',
    ...(body === undefined ? [] : ['', `body = r"""${JSON.stringify(body)}"""`]),
    '',
    'request = urllib.request.Request(',
    `    "${targetOf(endpoint, baseUrl, call)}",`,
    `    method="${endpoint.method}",`,
    ...(headers.length > 0 ? ['    headers={', ...headers, '    },'] : []),
    ...(body === undefined ? [] : ['    data=body.encode(),']),
    ')',
    'with urllib.request.urlopen(request) as response:',
    '    print(response.status, response.read().decode())',
  ];
  return lines.join('\n');
}

/** The header of the endpoint's first credential. */
function headerOf({ auth: [kind] }: Endpoint): Header | undefined {
  if (kind === undefined) return undefined;
  const { header, scheme, cookie, shown } = credentialRow(kind);
  const name = scheme === undefined ? shown : header === 'authorization' ? 'Authorization' : header;
  const before = cookie === undefined ? (scheme === undefined ? '' : `${scheme} `) : `${cookie}=`;
  return { name, before, variable: keyVariables[kind] };
}

function targetOf({ path }: Endpoint, baseUrl: string, { params = {}, query = {} }: ExampleCall): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? name));
  const search = new URLSearchParams(query);
  return baseUrl + filled + (search.size > 0 ? `?${search}` : '');
}

function bodyOf({ method, body }: Endpoint, { body: given }: ExampleCall): unknown {
  if (method === 'GET') return undefined;
  return given ?? (Object.keys(body.shape).length > 0 ? {} : undefined);
}

/** In single quotes, which a shell leaves as they are. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
