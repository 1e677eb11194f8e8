import { fileURLToPath } from 'node:url';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { agents, custody, ledger, migrations, purchases, type Core } from '@agentpay/core';
import { baseSepolia, usdcOn } from '@agentpay/primitives';
import { httpFacilitator, type Facilitator } from '@agentpay/protocol';
import { scratchDb } from '@agentpay/storage';
import { spawnNode } from '@agentpay/testing';
import { dialects, honestSeller, SELLER, type Dialect, type HonestSeller } from '../flows/purchaseBed.js';
import { agentpayFacilitator } from '../interop/agentpayFacilitator.js';
import { PRICE, startInteropStack, type InteropStack } from '../interop/stack.js';
import { buyOnce, purchaseCore } from './purchaseNode.js';

/** A process that buys is killed by SIGKILL after every single step; the steps take turns through the dialects. */
const NODE = fileURLToPath(new URL('./purchaseNode.js', import.meta.url));
const AT_ONCE = 4;
const MOST_STEPS = 60;

let stack: InteropStack;
let facilitator: Facilitator;
let database: Awaited<ReturnType<typeof scratchDb>>;
let core: Core;

beforeAll(async () => {
  stack = await startInteropStack();
  facilitator = httpFacilitator({ url: await agentpayFacilitator(stack) });
  database = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  const opened = purchaseCore({ databaseUrl: database.url, rpcUrl: stack.rpcUrl });
  core = opened.core;
  stack.onClose(async () => {
    await opened.close();
    await database.close();
  });
});
afterAll(() => stack.close());

async function newBuyer(): Promise<string> {
  const { agent } = await agents.create(core, { name: 'Buyer' });
  const network = usdcOn(baseSepolia).id;
  const wallet = await core.db.tx((tx) =>
    custody.open(core, tx, { ownerId: agent.id, holder: agent.id, network }),
  );
  await stack.fund(wallet.address, PRICE);
  return agent.id;
}

async function serve({ handle }: HonestSeller): Promise<{ url: string; close(): Promise<unknown> }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => void handle(Object.assign(request, { body: '' }), response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/paid`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a dead process had to itself may be taken on by others now. */
const letOthers = (agentId: string | null = null) =>
  core.db.query(
    `update purchases set next_attempt_at = now() - interval '1 second'
     where next_attempt_at is not null and ($1::text is null or party_id = $1)`,
    [agentId],
  );

/** Whether the process died; then the same request again is the same purchase. */
async function killedAfter(step: number): Promise<boolean> {
  const dialect = dialects[step % dialects.length] as Dialect;
  const seller = honestSeller(facilitator, dialect);
  const [agentId, { url, close }] = [await newBuyer(), await serve(seller)];
  const node = { databaseUrl: database.url, rpcUrl: stack.rpcUrl, agentId, url, killAfter: step };
  const child = spawnNode(NODE, { env: { PURCHASE_NODE: JSON.stringify(node) } });
  const { code, signal } = await child.ended;
  const died = signal === 'SIGKILL';
  expect([step, died || code === 0, child.output()]).toEqual([step, true, '']);
  await letOthers(agentId);
  const again = await buyOnce(core, node);
  const proofs = new Set(seller.proofs.map(({ value }) => value));
  expect([step, dialect, again.response.status, proofs.size]).toEqual([step, dialect, 200, 1]);
  await close();
  return died;
}

it('after whatever step: the seller is paid once, delivers, and the books agree with the chain', async () => {
  let bought = 0;
  for (let first = 1, alive = false; !alive; first += AT_ONCE) {
    expect(first).toBeLessThan(MOST_STEPS);
    const steps = Array.from({ length: AT_ONCE }, (_, n) => first + n);
    const died = await Promise.all(steps.map(killedAfter));
    bought += steps.length;
    // The last processes had no step left to die after: every one was tried.
    alive = died.includes(false);
  }
  for (let turn = 0; turn < 100; turn++) {
    const open = await core.db.query(`select 1 from purchases where state <> 'confirmed'`);
    if (open.length === 0) break;
    await letOthers();
    await purchases.work(core, { limit: 100 });
  }
  expect(await core.db.query(`select state from purchases where state <> 'confirmed'`)).toEqual([]);
  expect(await stack.usdc(SELLER)).toBe(PRICE * BigInt(bought));
  expect(await core.db.query(`select id from ledger_holds where state = 'open'`)).toEqual([]);
  expect(await ledger.verifyLedger(core.db)).toEqual([]);
}, 240_000);
