import { baseSepolia, systemClock, systemRandom, type Db } from '@agentpay/primitives';
import { authorizationTypedData, fromAuthorization } from '@agentpay/protocol';
import { simulatedChain } from '@agentpay/evm';
import { createApp, createFacilitator, migrations, type RunningFacilitator } from '@agentpay/facilitator';
import { migrate, pgliteDb } from '@agentpay/storage';
import fc from 'fast-check';
import { pino } from 'pino';
import request from 'supertest';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

const { usdc, id, name, chainId } = baseSepolia;
const payer = privateKeyToAccount(generatePrivateKey());
const seller = privateKeyToAccount(generatePrivateKey()).address;

type Json = Record<string, unknown>;

async function goodBodies(): Promise<readonly [Json, Json]> {
  const validBefore = BigInt(Math.floor(Date.now() / 1000)) + 300n;
  const authorization = {
    from: payer.address,
    to: seller,
    value: 10_000n,
    validAfter: 0n,
    validBefore,
    nonce: generatePrivateKey(),
  };
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  const signature = await payer.signTypedData(authorizationTypedData(domain, authorization));
  const payload = { signature, authorization: fromAuthorization(authorization) };
  const common = {
    scheme: 'exact',
    asset: usdc.address,
    payTo: seller,
    maxTimeoutSeconds: 300,
    extra: { ...usdc.eip712 },
  };
  const v1 = { ...common, network: name, maxAmountRequired: '10000', resource: 'https://seller.example/' };
  const v2 = { ...common, network: id, amount: '10000' };
  return [
    {
      x402Version: 1,
      paymentPayload: { x402Version: 1, scheme: 'exact', network: name, payload },
      paymentRequirements: v1,
    },
    { x402Version: 2, paymentPayload: { x402Version: 2, accepted: v2, payload }, paymentRequirements: v2 },
  ];
}

type Path = readonly string[];

/** Every place inside the body. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inside = Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]));
  return path.length ? [path, ...inside] : inside;
}

/** The body with what is at the path replaced, or removed. */
function changed(body: Json, path: Path, change: { to: unknown } | 'removed'): Json {
  const copy = structuredClone(body);
  const holder = path.slice(0, -1).reduce<Json>((at, key) => at[key] as Json, copy);
  const last = path.at(-1) as string;
  if (change === 'removed') delete holder[last];
  else holder[last] = change.to;
  return copy;
}

/** Members that a request may leave out or that stand for themselves: without them it is still good, or refused with 200. */
const optional = /^paymentRequirements\.(extra|resource|description)|^paymentPayload\.accepted\.extra/;

describe('what a facilitator is sent', () => {
  let db: Db;
  let facilitator: RunningFacilitator;
  let app: ReturnType<typeof createApp>;
  beforeAll(async () => {
    db = await pgliteDb();
    await migrate(db, migrations);
    const chain = simulatedChain(systemClock);
    chain.mint(payer.address, 1_000_000n);
    const accounts = [privateKeyToAccount(generatePrivateKey())];
    const world = { chain, db, accounts, clock: systemClock, random: systemRandom };
    facilitator = await createFacilitator({
      ...world,
      network: baseSepolia,
      maxValidBeforeSeconds: 600,
      settleTimeoutMs: 50,
    });
    app = createApp({
      facilitator,
      clock: systemClock,
      random: systemRandom,
      log: pino({ level: 'silent' }),
    });
  });
  afterAll(async () => {
    await facilitator.close();
    await db.close();
  });

  const verify = (body: unknown) =>
    request(app)
      .post('/verify')
      .send(body as object);

  it('is taken as it should be', async () => {
    for (const body of await goodBodies())
      expect((await verify(body)).body).toEqual({ isValid: true, payer: payer.address });
  });

  it('is refused with 400 and a code when a member is missing', async () => {
    const unexpected: string[] = [];
    for (const body of await goodBodies()) {
      for (const path of pathsOf(body).filter((at) => !optional.test(at.join('.')))) {
        for (const operation of ['/verify', '/settle']) {
          const response = await request(app)
            .post(operation)
            .send(changed(body, path, 'removed'));
          const coded = response.status === 400 && /^[a-z0-9_]+$/.test(response.body.code);
          const inProtocol =
            operation === '/verify' ? response.body.isValid === false : response.body.success === false;
          if (!coded || !inProtocol)
            unexpected.push(`${operation} without ${path.join('.')}: ${response.status} ${response.text}`);
        }
      }
    }
    expect(unexpected).toEqual([]);
  });

  it('is never taken, and never breaks anything, with a member of another type', async () => {
    const unexpected: string[] = [];
    for (const body of await goodBodies()) {
      for (const path of pathsOf(body).filter((at) => !optional.test(at.join('.')))) {
        for (const to of [
          null,
          17,
          -1,
          1.5,
          true,
          '',
          ' ',
          'x',
          '0x',
          '1e3',
          '-5',
          [],
          ['0x'],
          {},
          { toString: 1 },
        ]) {
          // Any positive whole number of seconds is a good time-out, and any scheme or network is text.
          if (path.at(-1) === 'maxTimeoutSeconds' && to === 17) continue;
          const response = await verify(changed(body, path, { to }));
          const refused =
            response.status === 200
              ? response.body.isValid === false
              : response.status === 400 && response.body.code;
          if (!refused)
            unexpected.push(`${path.join('.')} = ${JSON.stringify(to)}: ${response.status} ${response.text}`);
        }
      }
    }
    expect(unexpected).toEqual([]);
  });

  it('is never taken as something else because of odd keys', async () => {
    const [, body] = await goodBodies();
    const polluted = JSON.stringify(body).replace(
      '{"x402Version"',
      '{"__proto__":{"isValid":true},"x402Version"',
    );
    const response = await request(app)
      .post('/verify')
      .set('content-type', 'application/json')
      .send(polluted);
    expect([response.status, response.body.code]).toEqual([400, 'invalid_payload']);
  });

  it('gets 413 when it is too large, and 400 when it is nested without end', async () => {
    const json = (text: string) =>
      request(app).post('/settle').set('content-type', 'application/json').send(text);
    const large = await json(JSON.stringify({ x: 'y'.repeat(80_000) }));
    expect([large.status, large.body.code]).toEqual([413, 'payload_too_large']);
    const deep = await json(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`);
    expect([deep.status, deep.body.code]).toEqual([400, 'invalid_payload']);
  });

  it('never gets a 5xx, whatever JSON it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.json({ maxDepth: 4 }),
        fc.constantFrom('/verify', '/settle'),
        async (text, operation) => {
          const response = await request(app)
            .post(operation)
            .set('content-type', 'application/json')
            .send(text);
          expect(response.status).toBe(400);
          expect(response.body.code).toMatch(/^[a-z0-9_]+$/);
        },
      ),
      { numRuns: 100 },
    );
  });
});
