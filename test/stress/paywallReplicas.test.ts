import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts';
import { paywall } from '@agentpay/paywall';
import {
  encodeSignIn,
  PAYMENT_IDENTIFIER,
  SIGN_IN_WITH_X,
  signInMessage,
  x402v2,
  type Facilitator,
  type signInDeclaration,
} from '@agentpay/protocol';
import { eventually, startRedis, type RedisServer } from '@agentpay/testing';
import { connectRedis, redisStore } from '@agentpay/tracker';

const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const payer = privateKeyToAccount(generatePrivateKey());
const extensions = { paymentIdentifier: 'optional', signIn: { seconds: 60 } } as const;
const HASH = `0x${'cd'.repeat(32)}`;

/** Moves each payment's imaginary money once, and knows a used nonce. */
function facilitatorOf(moved: Set<string>): Facilitator {
  const nonceOf = (payload: Record<string, unknown>) => (payload['authorization'] as { nonce: string }).nonce;
  return {
    verify: async ({ paymentPayload: { payload } }) =>
      moved.has(nonceOf(payload))
        ? { isValid: false, invalidReason: 'invalid_exact_evm_nonce_already_used' }
        : { isValid: true },
    async settle({ paymentPayload: { payload }, paymentRequirements: { network } }) {
      moved.add(nonceOf(payload));
      return { success: true, transaction: HASH, network };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
}

describe('two sellers over one Redis', () => {
  let redis: RedisServer;
  const servers: Server[] = [];
  const connections: Awaited<ReturnType<typeof connectRedis>>[] = [];
  let served: number;
  let moved: Set<string>;

  beforeEach(async () => {
    redis = await startRedis();
    served = 0;
    moved = new Set();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    for (const connection of connections.splice(0)) connection.disconnect();
    await redis.stop();
  });

  async function seller(): Promise<string> {
    // What Redis takes long for on a busy machine is not what is tested here.
    const connection = await connectRedis(redis.url, {
      commandTimeoutMs: 300_000,
      connectTimeoutMs: 300_000,
    });
    connections.push(connection);
    const shared = {
      store: redisStore(connection),
      mppSecret: 's'.repeat(32),
      baseUrl: 'https://shop.example',
    };
    const pay = paywall({
      payTo: PAY_TO,
      facilitator: facilitatorOf(moved),
      logger: false,
      ...shared,
    });
    const charge = pay.charge({ price: '$0.01', extensions });
    const server = createServer((req, res) => charge(req, res, () => res.end(`answer ${++served}`)));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/paid`;
  }

  async function proofFor(url: string, named: object = {}): Promise<Record<string, string>> {
    const offer = x402v2.decodePaymentRequired((await fetch(url)).headers.get('payment-required') as string);
    const accepted = offer.accepts[0] as x402v2.PaymentRequirements;
    const validBefore = String(Math.floor(Date.now() / 1000) + 300);
    const nonce = generatePrivateKey();
    const authorization = {
      from: payer.address,
      to: PAY_TO,
      value: accepted.amount,
      validAfter: '0',
      validBefore,
      nonce,
    };
    const payload = { signature: `0x${'ab'.repeat(65)}`, authorization };
    return {
      'payment-signature': x402v2.encodePaymentPayload({
        x402Version: 2,
        accepted,
        payload,
        extensions: { ...named },
      }),
    };
  }

  async function signInTo(url: string): Promise<Record<string, string>> {
    const offer = x402v2.decodePaymentRequired((await fetch(url)).headers.get('payment-required') as string);
    const declared = offer.extensions as { [SIGN_IN_WITH_X]: ReturnType<typeof signInDeclaration> };
    const { info } = declared[SIGN_IN_WITH_X];
    const message = { ...info, address: payer.address, chainId: 'eip155:84532', type: 'eip191' } as const;
    const signature = await payer.signMessage({ message: signInMessage(message) });
    return { 'sign-in-with-x': encodeSignIn({ ...message, signature }) };
  }

  async function outcomeOf(response: Response): Promise<string> {
    return response.status === 200 ? response.text() : ((await response.json()) as { code: string }).code;
  }

  it('serve one payment once, of 50 replicas sent to both, and then the same response from either', async () => {
    const urls = [await seller(), await seller()];
    const headers = await proofFor(urls[0] as string);
    const sent = Array.from({ length: 50 }, (_, i) =>
      fetch(urls[i % 2] as string, { headers }).then(outcomeOf),
    );
    const outcomes = new Set(await Promise.all(sent));
    expect(outcomes).toContain('answer 1');
    for (const outcome of outcomes) expect(['answer 1', 'payment_in_progress']).toContain(outcome);
    for (const url of urls) expect(await fetch(url, { headers }).then(outcomeOf)).toBe('answer 1');
    expect([served, moved.size]).toEqual([1, 1]);
  });

  it('let one of 20 payments of the same name through, and one of 20 copies of a sign-in', async () => {
    const urls = [await seller(), await seller()];
    const urlOf = (index: number) => urls[index % 2] as string;
    const named = { [PAYMENT_IDENTIFIER]: { info: { id: 'order-0123456789' } } };
    const proofs = await Promise.all(Array.from({ length: 20 }, (_, i) => proofFor(urlOf(i), named)));
    const bought = await Promise.all(
      proofs.map((headers, i) => fetch(urlOf(i), { headers }).then(outcomeOf)),
    );
    expect(bought.sort()).toEqual(['answer 1', ...Array.from({ length: 19 }, () => 'conflict')]);
    const headers = await signInTo(urlOf(0));
    const back = await Promise.all(
      Array.from({ length: 20 }, (_, i) => fetch(urlOf(i), { headers }).then(outcomeOf)),
    );
    expect(back.sort()).toEqual(['answer 2', ...Array.from({ length: 19 }, () => 'invalid_siwx_nonce')]);
    expect([served, moved.size]).toEqual([2, 1]);
  });

  it('serve nothing while Redis is stopped, and the same proof once it is back', async () => {
    const url = await seller();
    const headers = await proofFor(url);
    await redis.stop();
    const refused = await fetch(url, { headers });
    expect([refused.status, refused.headers.has('retry-after'), await outcomeOf(refused)]).toEqual([
      503,
      true,
      'unavailable',
    ]);
    expect([served, moved.size]).toEqual([0, 0]);
    await redis.start();
    const outcome = await eventually(async () => {
      const now = await fetch(url, { headers }).then(outcomeOf);
      expect(now).not.toBe('unavailable');
      return now;
    });
    expect([outcome, served, moved.size]).toEqual(['answer 1', 1, 1]);
  });

  it('sell no payment twice after Redis has forgotten everything', async () => {
    const url = await seller();
    const headers = await proofFor(url);
    expect(await fetch(url, { headers }).then(outcomeOf)).toBe('answer 1');
    await redis.flush();
    expect(await fetch(url, { headers }).then(outcomeOf)).toBe('invalid_exact_evm_nonce_already_used');
    expect([served, moved.size]).toEqual([1, 1]);
  });
});
