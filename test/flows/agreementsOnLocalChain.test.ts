import { fileURLToPath } from 'node:url';
import { agreements, type Core } from '@agentpay/core';
import { reclaimCall, viemChain } from '@agentpay/evm';
import { AGREEMENT_OPERATOR, toPaymentInfo, type Hex } from '@agentpay/protocol';
import { compose, createLogger, migrations, readConfig } from '@agentpay/server';
import { pgDb, scratchDb } from '@agentpay/storage';
import { eventually, freePort, spawnNode, testDatabase } from '@agentpay/testing';
import {
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  http,
  parseAbi,
  parseSignature,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { startInteropStack, type InteropStack } from '../interop/stack.js';
import { ask, send, startNode, type ApiNode } from '../stress/apiNode.js';
import { bundled } from '../stress/bundled.js';
import { startFacilitator, type FacilitatorNode } from '../stress/facilitatorNode.js';
import { patientFacilitator, type PatientFacilitator } from './escrowStack.js';
import { market } from './market.js';

/** Agreements that end in one run. */
const MANY = 50;
const CAP = 100_000n;
const USED = 30_000n;
/** What a capture may cost among so many. */
const CAPTURE_GAS = 45_000n;
/** Processes are started five times within a test; on a busy machine each takes twenty seconds. */
const TIMEOUT_MS = 600_000;
const JWT_SECRET = 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_';

let stack: InteropStack;
let database: Awaited<ReturnType<typeof scratchDb>>;
beforeAll(async () => {
  stack = await startInteropStack();
  database = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
}, TIMEOUT_MS);
afterAll(async () => {
  await stack?.close();
  await database?.close();
}, TIMEOUT_MS);

const settings = (facilitator: string) => ({
  FACILITATOR_URL: facilitator,
  RPC_URLS: `base-sepolia=${stack.rpcUrl}`,
  CHALLENGE_WINDOW_SECONDS: '1',
  JWT_SECRET,
});

/** What the buyer signs with their wallet. */
const signedBy = (intent: unknown): Promise<Hex> => stack.buyer.signTypedData(intent as never);

describe(`${MANY} agreements that end in the same run`, () => {
  let facilitator: PatientFacilitator;
  let core: Core;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const key = await stack.newFacilitatorKey();
    facilitator = await patientFacilitator({ rpcUrl: stack.rpcUrl, key, together: MANY });
    const config = readConfig({ DATABASE_URL: database.url, ...settings(facilitator.url) });
    const log = createLogger('error');
    const composition = await compose(config, { log, baseUrl: () => 'http://127.0.0.1' });
    [core, close] = [composition.core, composition.close];
  }, TIMEOUT_MS);
  afterAll(async () => {
    await close?.();
    await facilitator?.close();
  }, TIMEOUT_MS);

  it(
    `are held in one transaction, and settled in two: all captures, then what is left; ${CAPTURE_GAS} gas a capture`,
    async () => {
      const { buyer, seller, service } = await market(core);
      const ids: string[] = [];
      while (ids.length < MANY) {
        const { id: agreementId } = await agreements.propose(core, {
          principal: buyer.principal,
          serviceId: service.id,
          buyerAddress: stack.buyer.address,
          terms: { cap: CAP, unitPrice: 10_000n },
        });
        const sold = { principal: seller.principal, agreementId };
        await agreements.accept(core, { ...sold, sellerAddress: stack.payTo });
        const bought = { principal: buyer.principal, agreementId };
        const { intent } = await agreements.activationPackage(core, bought);
        await agreements.activate(core, { ...bought, signature: await signedBy(intent) });
        ids.push(agreementId);
      }
      const read = () =>
        Promise.all(
          ids.map((agreementId) => agreements.get(core, { principal: buyer.principal, agreementId })),
        );
      const relay = () => agreements.relay(core, { limit: agreements.MOST_RELAYED });
      const before = { buyer: await stack.usdc(stack.buyer.address), seller: await stack.usdc(stack.payTo) };
      expect(await relay()).toEqual({ done: { relayed: MANY }, failures: [] });
      const hashesOf = (made: readonly agreements.Agreement[], field: 'activationTx' | 'settlementTx') =>
        [...new Set(made.map((each) => each[field]))] as Hex[];
      const active = await read();
      expect(new Set(active.map(({ status }) => status))).toEqual(new Set(['active']));
      expect([hashesOf(active, 'activationTx').length, await facilitator.sent()]).toEqual([1, 1]);

      for (const agreementId of ids) {
        await agreements.record(core, { principal: seller.principal, agreementId, units: 3n });
        await agreements.complete(core, { principal: buyer.principal, agreementId });
      }
      const ends = Math.max(...(await read()).map(({ challengeEndsAt }) => Number(challengeEndsAt)));
      // By the clock of the books and by that of the chain.
      await eventually(async () => {
        expect(core.clock.now()).toBeGreaterThan(ends);
        expect(Number((await facilitator.chain.block()).timestamp) * 1000).toBeGreaterThan(ends);
      });
      await agreements.work(core, { limit: agreements.MOST_RELAYED });
      expect(await relay()).toEqual({ done: { relayed: MANY }, failures: [] });
      const settled = await read();
      expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(['settled']));
      const [hash, ...others] = hashesOf(settled, 'settlementTx');
      expect([others, await facilitator.sent()]).toEqual([[], 3]);
      const [receipt] = await facilitator.chain.receipts([hash as Hex]);
      expect((receipt?.gasUsed as bigint) / BigInt(MANY)).toBeLessThanOrEqual(CAPTURE_GAS);
      const many = BigInt(MANY);
      expect({
        buyer: before.buyer - (await stack.usdc(stack.buyer.address)),
        seller: (await stack.usdc(stack.payTo)) - before.seller,
      }).toEqual({ buyer: many * USED, seller: many * USED });
    },
    TIMEOUT_MS,
  );
});

const SERVER = fileURLToPath(new URL('../../../packages/server/dist/bin.js', import.meta.url));
/** The escrow keeps a hold for so long after the term of its agreement, of thirty days, and its window. */
const UNTIL_RECLAIM_SECONDS = 61 * 86_400;
const FEE = 100_000n;
const permitAbi = parseAbi([
  'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
]);

describe('agreements of processes that are killed', () => {
  let books: Awaited<ReturnType<typeof testDatabase>>;
  let facilitator: FacilitatorNode;
  let api: ApiNode;
  let env: Record<string, string>;
  let facilitatorEnv: Record<string, string>;
  let buyer: string;
  let seller: string;
  let serviceId: string;

  const startApi = async () => void (api = await startNode({ database: database.url }, env));
  const startSettling = async () => void (facilitator = await startFacilitator(facilitatorEnv));

  beforeAll(async () => {
    books = await testDatabase();
    const [port, gasKey] = [await freePort(), await stack.newFacilitatorKey()];
    facilitatorEnv = {
      PORT: String(port),
      RPC_URL: stack.rpcUrl,
      SIGNER_KEYS: stack.facilitatorKey,
      DATABASE_URL: books.url,
      OPERATOR_ADDRESS: AGREEMENT_OPERATOR,
    };
    env = { ...settings(`http://127.0.0.1:${port}`), GAS_WALLET_KEY: gasKey };
    await Promise.all([startApi(), startSettling()]);
    const join = async (name: string) => (await ask(api, '', 'POST /v1/agents', { name }, 201))['api_key'];
    [buyer, seller] = [await join('Buyer'), await join('Seller')];
    const service = { name: 'Weather', price_per_call: '0.01' };
    serviceId = (await ask(api, seller, 'POST /v1/services', service, 201))['id'];
  }, TIMEOUT_MS);
  afterAll(async () => {
    await Promise.all([api?.kill(), facilitator?.kill()]);
    await books?.drop();
  }, TIMEOUT_MS);

  const status = (id: string) => ask(api, buyer, `GET /usage-agreements/${id}/escrow-status`);
  const until = (id: string, wanted: string) =>
    eventually(async () => {
      const shown = await status(id);
      expect(shown['status']).toBe(wanted);
      return shown;
    });

  /** An accepted agreement and what its buyer has signed of it. */
  async function signedAgreement() {
    const terms = { cap: '0.10', unit_price: '0.01' };
    const proposal = { service_id: serviceId, buyer_wallet_address: stack.buyer.address, terms };
    const { agreement_id: id } = await ask(api, buyer, 'POST /usage-agreements', proposal, 201);
    const accepted = { seller_wallet_address: stack.payTo };
    await ask(api, seller, `PUT /usage-agreements/${id}/accept`, accepted);
    const signs = await ask(api, buyer, `GET /usage-agreements/${id}/activation-package`);
    const proof = {
      activation_signature: await signedBy(signs['activation_intent']),
      infra_fee_permit: await signedBy(signs['infra_fee'].permit),
    };
    return { id: id as string, signs, proof };
  }

  async function activated(): Promise<string> {
    const { id, proof } = await signedAgreement();
    await ask(api, buyer, `POST /usage-agreements/${id}/activate-escrow`, proof, 202);
    await until(id, 'active');
    return id;
  }

  const record = (id: string, units: number) =>
    ask(api, seller, `POST /usage-agreements/${id}/record-usage`, { units });

  /** The command on the same books. */
  async function reconcile() {
    const run = spawnNode(await bundled(SERVER), {
      args: ['ledger', 'reconcile', '--json'],
      env: { ...env, NODE_ENV: '', REDIS_URL: '', DATABASE_URL: database.url },
    });
    const { code } = await run.ended;
    const said = JSON.parse(run.output()) as { ok: boolean; faults: string[] };
    return { code, ...said };
  }
  const RIGHT = { code: 0, ok: true, faults: [] };
  const money = async () => ({
    buyer: await stack.usdc(stack.buyer.address),
    seller: await stack.usdc(stack.payTo),
  });

  it(
    'a permit for the fee that somebody else has submitted counts, once',
    async () => {
      const before = await money();
      const { id, signs, proof } = await signedAgreement();
      const { owner, spender, value, deadline } = signs['infra_fee'].permit.message;
      const { r, s, v } = parseSignature(proof.infra_fee_permit);
      const args = [owner, spender, BigInt(value), BigInt(deadline), Number(v), r, s] as const;
      await sentBy(await stack.newFacilitatorKey(), {
        to: signs['infra_fee'].permit.domain.verifyingContract,
        data: encodeFunctionData({ abi: permitAbi, functionName: 'permit', args }),
      });
      await ask(api, buyer, `POST /usage-agreements/${id}/activate-escrow`, proof, 202);
      await until(id, 'active');
      const other = await signedAgreement();
      const used = { ...other.proof, infra_fee_permit: proof.infra_fee_permit };
      const again = await send(api, buyer, `POST /usage-agreements/${other.id}/activate-escrow`, used);
      expect([again?.status, again?.body['error'].reason]).toEqual([400, 'fee_permit_mismatch']);
      await ask(api, buyer, `POST /usage-agreements/${id}/complete`, {});
      await until(id, 'settled');
      expect(await money()).toEqual({ ...before, buyer: before.buyer - FEE });
    },
    TIMEOUT_MS,
  );

  it(
    'the buyer takes the money back from the contract alone; the API then tells so, and books and chain agree',
    async () => {
      const before = await money();
      const [settled, used, unused] = [await activated(), await activated(), await activated()];
      await record(settled, 2);
      await ask(api, buyer, `POST /usage-agreements/${settled}/complete`, {});
      await until(settled, 'settled');
      await record(used, 5);
      expect(await reconcile()).toEqual(RIGHT);
      expect(await money()).toEqual({
        buyer: before.buyer - 3n * FEE - 2n * CAP - 20_000n,
        seller: before.seller + 20_000n,
      });

      await Promise.all([api.kill(), facilitator.kill()]);
      await passOnChain(UNTIL_RECLAIM_SECONDS);
      const db = pgDb({ url: database.url, max: 1 });
      const holds = await db.query<{ offer: agreements.AgreementOffer }>(
        'select offer from agreement_holds where agreement_id in ($1, $2)',
        [used, unused],
      );
      // Also in the books.
      await db.query(`update agreements set due_at = now() where status = 'active'`);
      await db.close();
      for (const { offer } of holds)
        await sentBy(stack.buyerKey, reclaimCall(toPaymentInfo(offer.paymentInfo)));
      const back = { buyer: before.buyer - 3n * FEE - 20_000n, seller: before.seller + 20_000n };
      expect(await money()).toEqual(back);
      const { code, faults } = await reconcile();
      expect(code).toBe(1);
      expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual([used, unused].sort());

      await startApi();
      // Without a facilitator nothing is known of a payment: it is neither made nor failed.
      for (const id of [used, unused]) {
        const shown = await until(id, 'settling');
        expect(shown).toMatchObject({ settlement_tx_hash: null, stuck: false });
      }
      await startSettling();
      for (const [id, usage] of [
        [used, '0.05'],
        [unused, '0.00'],
      ] as const) {
        await until(id, 'settled');
        expect(await ask(api, seller, `GET /usage-agreements/${id}`)).toMatchObject({
          used: usage,
          paid: '0.00',
          settlement_tx_hash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        });
      }
      expect(await reconcile()).toEqual(RIGHT);
      expect(await money()).toEqual(back);
    },
    TIMEOUT_MS,
  );

  const transport = () => http(stack.rpcUrl);

  async function passOnChain(seconds: number): Promise<void> {
    const chain = createTestClient({ mode: 'anvil', transport: transport() });
    await chain.increaseTime({ seconds });
    await chain.mine({ blocks: 1 });
  }

  /** Sends a transaction in the place of whoever has this key, and waits until it is mined. */
  async function sentBy(key: Hex, { to, data }: { to: Hex; data: Hex }): Promise<void> {
    const account = privateKeyToAccount(key);
    await createTestClient({ mode: 'anvil', transport: transport() }).setBalance({
      address: account.address,
      value: 10n ** 18n,
    });
    const hash = await createWalletClient({ account, transport: transport() }).sendTransaction({
      to,
      data,
      chain: null,
    });
    const chain = viemChain({ rpcUrl: stack.rpcUrl });
    const receipt = await eventually(async () => {
      const [found] = await chain.receipts([hash]);
      if (!found) throw new Error('It is in no block.');
      return found;
    });
    expect(receipt.success).toBe(true);
  }
});
