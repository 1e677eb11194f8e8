import fc from 'fast-check';
import { toBase64, base64url, encodeSignIn, SIGN_IN_WITH_X, x402v2, type SignIn } from '@agentpay/protocol';
import { paywall } from './index.js';
import { permit } from './permits.test.support.js';
import {
  DIALECTS,
  NETWORK,
  PAY_TO,
  PAYER,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from './seller.test.support.js';

let seller: Seller;
let offer: Reply;
let served = 0;

beforeAll(async () => {
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    baseUrl: 'http://127.0.0.1',
  });
  const extensions = { paymentIdentifier: 'optional', signIn: { seconds: 60 }, bazaar: true } as const;
  const charge = wall.charge({ price: '$0.01', accepts: [{}, { transferMethod: 'permit2' }], extensions });
  seller = await listen((req, res) => charge(req, res, () => res.end(`${++served}`)));
  offer = await send(seller, '/');
});
afterAll(() => seller.close());

const HEADERS = [
  'payment-signature',
  'x-payment',
  'authorization',
  'x-payment-token',
  'payment-authorization',
  'sign-in-with-x',
] as const;
const visible = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 200,
});
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
  const refused = fc.asyncProperty(fc.constantFrom(...HEADERS), text, (name, value) =>
    expectRefused({ [name]: value.trim() }),
  );
  await fc.assert(refused, { numRuns: 500 });
  expect(served).toBe(before);
});

const proofs: Record<string, () => Record<string, string>> = {
  ...Object.fromEntries(DIALECTS.map((dialect) => [dialect, () => pay(offer, dialect)])),
  permit2: () => permit(offer, {}, 1),
  'sign-in': () => ({ 'sign-in-with-x': encodeSignIn(signInOf(offer)) }),
};

it.each(Object.keys(proofs))(
  'a valid %s proof with one member replaced is refused or harmless, never a 5xx',
  async (kind) => {
    const decode = (header: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(header.replace('Payment ', ''), 'base64').toString());
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.jsonValue(), async (index, value) => {
        const [name, header] = Object.entries(proofs[kind]?.() ?? {})[0] as [string, string];
        const proof = decode(header);
        replaceMember(proof, index, value);
        const encoded = kind === 'mpp' ? `Payment ${base64url(JSON.stringify(proof))}` : toBase64(proof);
        const reply = await send(seller, '/', { headers: { [name]: encoded } });
        expect([200, 400, 402, 409, 431]).toContain(reply.status);
      }),
      { numRuns: 200 },
    );
  },
);

/** The message of an offer, as somebody signed it. */
function signInOf({ headers }: Reply): SignIn {
  const { extensions } = x402v2.decodePaymentRequired(headers['payment-required'] as string);
  type Info = Pick<SignIn, 'domain' | 'uri' | 'version' | 'nonce' | 'issuedAt'>;
  const { info } = (extensions as { [SIGN_IN_WITH_X]: { info: Info } })[SIGN_IN_WITH_X];
  return { ...info, address: PAYER, chainId: NETWORK.id, type: 'eip191', signature: `0x${'ab'.repeat(65)}` };
}

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
