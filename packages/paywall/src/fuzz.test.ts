import fc from 'fast-check';
import { toBase64, base64url } from '@agentpay/protocol';
import { paywall } from './index.js';
import { DIALECTS, PAY_TO, fakeFacilitator, listen, pay, send, type Reply, type Seller } from './seller.test.support.js';

let seller: Seller;
let offer: Reply;
let served = 0;

beforeAll(async () => {
  const charge = paywall({ payTo: PAY_TO, facilitator: fakeFacilitator() }).charge('$0.01');
  seller = await listen((req, res) => charge(req, res, () => res.end(`${++served}`)));
  offer = await send(seller, '/');
});
afterAll(() => seller.close());

const HEADERS = ['payment-signature', 'x-payment', 'authorization', 'x-payment-token', 'payment-authorization'] as const;
const visible = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 200 });
const text = fc.oneof(
  visible,
  fc.jsonValue().map(toBase64),
  fc.jsonValue().map((value) => base64url(JSON.stringify(value))),
  fc.jsonValue().map((value) => `Payment ${base64url(JSON.stringify(value))}`),
  visible.map((value) => `Payment ${value}`),
);

async function expectRefused(headers: Record<string, string>): Promise<void> {
  const reply = await send(seller, '/', { headers });
  expect([400, 402, 409]).toContain(reply.status);
  expect(reply.json().code).toMatch(/^[A-Za-z0-9_.-]+$/);
}

it('no payment header, however odd, gives a 5xx or runs the handler', async () => {
  const before = served;
  const refused = fc.asyncProperty(fc.constantFrom(...HEADERS), text, (name, value) => expectRefused({ [name]: value.trim() }));
  await fc.assert(refused, { numRuns: 500 });
  expect(served).toBe(before);
});

it.each(DIALECTS)('a valid %s proof with one member replaced is refused or harmless, never a 5xx', async (dialect) => {
  const decode = (header: string): Record<string, unknown> => JSON.parse(Buffer.from(header.replace('Payment ', ''), 'base64').toString());
  await fc.assert(
    fc.asyncProperty(fc.nat(30), fc.jsonValue(), async (index, value) => {
      const [name, header] = Object.entries(pay(offer, dialect))[0] as [string, string];
      const proof = decode(header);
      replaceMember(proof, index, value);
      const encoded = dialect === 'mpp' ? `Payment ${base64url(JSON.stringify(proof))}` : toBase64(proof);
      const reply = await send(seller, '/', { headers: { [name]: encoded } });
      expect([200, 400, 402, 409, 431]).toContain(reply.status);
    }),
    { numRuns: 200 },
  );
});

/** Replaces the member that comes `index`-th in a walk through the object. */
function replaceMember(root: Record<string, unknown>, index: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (node: Record<string, unknown>) => {
    for (const [key, member] of Object.entries(node)) {
      places.push([node, key]);
      if (typeof member === 'object' && member !== null) walk(member as Record<string, unknown>);
    }
  };
  walk(root);
  const [node, key] = places[index % places.length] as [Record<string, unknown>, string];
  node[key] = value;
}
