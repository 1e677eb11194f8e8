import { OutboundError, type IncomingResponse, type OutgoingRequest } from '@agentpay/primitives';
import { toBase64 } from '@agentpay/protocol';
import { ownershipOf, type Probed } from './ownership.js';

const payTo = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const probed: Probed = {
  url: 'https://shop.example/x',
  type: 'http',
  name: 'GET',
  payTo,
  network: 'eip155:84532',
};
const offer = { payTo: payTo.toLowerCase(), network: 'eip155:84532' };
const mcp = { ...probed, type: 'mcp', name: 'translate' } as const;

function answering(status: number, body: unknown, headers: Record<string, string> = {}) {
  const asked: OutgoingRequest[] = [];
  const fetchOut = async (url: string, request: OutgoingRequest = {}): Promise<IncomingResponse> => {
    asked.push(request);
    return {
      status,
      headers,
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      url,
    };
  };
  return { fetchOut, asked };
}

describe('whose a resource is', () => {
  it.each<[string, number, unknown, Record<string, string>, Probed]>([
    ['its header', 402, '', { 'payment-required': toBase64({ x402Version: 2, accepts: [offer] }) }, probed],
    ['its body', 402, { x402Version: 1, accepts: [{ ...offer, network: 'base-sepolia' }] }, {}, probed],
    ['one offer of several', 402, { accepts: [{ payTo: '0x1', network: 'x' }, offer] }, {}, probed],
    ['a tool', 200, { result: { structuredContent: { accepts: [offer] } } }, {}, mcp],
    [
      'a tool, as text',
      200,
      { result: { content: [{ text: JSON.stringify({ accepts: [offer] }) }] } },
      {},
      mcp,
    ],
    [
      'a tool, as an event',
      200,
      `event: message\ndata: ${JSON.stringify({ result: { accepts: [offer] } })}\n\n`,
      {},
      mcp,
    ],
  ])('is said by %s', async (_, status, body, headers, one) => {
    expect(await ownershipOf(answering(status, body, headers).fetchOut, one)).toBe('own');
  });

  it.each<[string, number, unknown]>([
    ['another payee', 402, { accepts: [{ ...offer, payTo: `0x${'1'.repeat(40)}` }] }],
    ['another network', 402, { accepts: [{ ...offer, network: 'eip155:8453' }] }],
    ['the payee, but asks for no payment', 200, { accepts: [offer] }],
    ['a page', 402, '<html>'],
    ['a redirect', 302, ''],
    ['offers hidden too deep', 402, { a: { b: { c: { d: { e: { f: { g: { accepts: [offer] } } } } } } } }],
  ])('is not that of the payee when it names %s', async (_, status, body) => {
    expect(await ownershipOf(answering(status, body).fetchOut, probed)).toBe('foreign');
  });

  it("is not known while it fails, and is nobody's at an address that is not public", async () => {
    expect(await ownershipOf(answering(503, '').fetchOut, probed)).toBe('away');
    const failing = (fault: 'timeout' | 'address_refused') => () =>
      Promise.reject(new OutboundError(fault, 'no', false));
    expect(await ownershipOf(failing('timeout'), probed)).toBe('away');
    expect(await ownershipOf(failing('address_refused'), probed)).toBe('foreign');
  });

  it('is asked as it is bought, with bounds', async () => {
    const { fetchOut, asked } = answering(402, {});
    await ownershipOf(fetchOut, probed);
    await ownershipOf(fetchOut, { ...probed, name: 'POST' });
    await ownershipOf(fetchOut, mcp);
    expect(asked.map(({ method, body }) => [method, body === undefined])).toEqual([
      ['GET', true],
      ['POST', false],
      ['POST', false],
    ]);
    for (const one of asked)
      expect(one).toMatchObject({ maxRedirects: 0, timeoutMs: 5_000, maxBytes: 65_536 });
  });
});
