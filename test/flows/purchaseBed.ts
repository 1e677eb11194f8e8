import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agents, custody, ledger, migrations, policies, purchases } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { simulatedChain, type SimulatedChain } from '@agentpay/evm';
import {
  createFacilitator,
  migrations as facilitatorMigrations,
  type RunningFacilitator,
} from '@agentpay/facilitator';
import {
  baseSepolia,
  radiusTestnet,
  systemClock,
  systemRandom,
  type Clock,
  type Db,
  type Network,
} from '@agentpay/primitives';
import {
  declareGasSponsoring,
  fromBase64,
  mpp,
  toBase64,
  x402v2,
  type ExactPermit2Payload,
  type Facilitator,
  type FacilitatorRequest,
} from '@agentpay/protocol';
import { paymentChain } from '@agentpay/server';
import { pgDb, scratchDb } from '@agentpay/storage';
import { privateKeyToAccount } from 'viem/accounts';
import { localSellers, network, purchaseCore } from './purchaseCore.js';

export { network };
export const ASSET = 'USDC@base-sepolia';
const { asset: sbc, ...radius } = radiusTestnet;
/** Radius as the simulated chain knows networks, by their one token. */
const radiusWithSbc: Network = { ...radius, usdc: sbc, publicRpcUrl: 'https://radius.invalid' };
export const SELLER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const OTHER_SELLER = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
/** What sellers ask for, in base units: $0.01. */
export const PRICE = 10_000n;
export const OPERATOR: Principal<'platform'> = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'test',
};

/** The machine's clock, which tests put forward. */
export interface ShiftedClock extends Clock {
  shift(ms: number): void;
}

let shifted = 0;
const clock: ShiftedClock = {
  now: () => systemClock.now() + shifted,
  timer: (ms, fn, options) => systemClock.timer(ms, fn, options),
  shift: (ms) => void (shifted += ms),
};

/** An agent with a funded wallet. */
export interface Buyer {
  readonly principal: Principal;
  readonly id: string;
  readonly wallet: custody.CustodyWallet;
}

/** A core that buys on two chains in memory, Base Sepolia and Radius, with a facilitator that settles on both. */
export interface PurchaseBed {
  readonly core: Core;
  /** Of its database. */
  readonly url: string;
  readonly clock: ShiftedClock;
  readonly chain: SimulatedChain;
  /** Where SBC moves by Permit2 alone. */
  readonly radius: SimulatedChain;
  readonly facilitator: RunningFacilitator;
  /** The core again, as another process on the same database has it. */
  another(changed?: Partial<Pick<Core['ports'], 'sellers' | 'facilitator' | 'vault'>>, through?: Db): Core;
  /** @param dialect says on which chain its wallet is */
  buyer(funds?: bigint, rules?: readonly policies.RuleTerms[], dialect?: Dialect): Promise<Buyer>;
  /** Serves on this machine; gives the URL of /paid. */
  serve(handle: Handle): Promise<string>;
  /** Base units that the seller has. */
  paid(seller?: string): bigint;
  /** Works what is due until nothing is open any more. */
  settleAll(core?: Core): Promise<void>;
  /** The books are right, agree with the chain, and hold nothing. */
  expectSettled(): Promise<void>;
  close(): Promise<void>;
}

export type Handle = (request: IncomingMessage & { body: string }, response: ServerResponse) => unknown;

export async function purchaseBed(): Promise<PurchaseBed> {
  const server = process.env['DATABASE_URL'] as string;
  const [onBase, onRadius] = [await settled(baseSepolia), await settled(radiusWithSbc)];
  const { chain } = onBase;
  const facilitator = ofBoth(onBase.facilitator, onRadius.facilitator);
  const scratch = await scratchDb({ server, migrations });
  // Many buy at once: on a busy machine they wait for a connection, and for one another.
  const db = pgDb({ url: scratch.url, connectTimeoutMs: 300_000, lockTimeoutMs: 300_000 });
  const out = localSellers();
  const closing: (() => Promise<unknown>)[] = [];

  const chains = [
    paymentChain({ network, chain, confirmations: 1 }),
    paymentChain({ network: radiusTestnet, chain: onRadius.chain, confirmations: 1 }),
  ];
  const another: PurchaseBed['another'] = (changed = {}, through = db) => {
    const ports = { sellers: { fetchOut: out.fetchOut }, facilitator, ...changed };
    return purchaseCore({ db: through, clock, chains, ports });
  };
  const core = another();

  return {
    core,
    url: scratch.url,
    clock,
    chain,
    radius: onRadius.chain,
    facilitator,
    another,
    async buyer(funds = 1_000_000n, rules = [], dialect = 'x402v2') {
      const { agent } = await agents.create(core, { name: 'Buyer' });
      const on = dialect === 'permit2' ? radiusTestnet : network;
      const wallet = await db.tx((tx) =>
        custody.open(core, tx, { ownerId: agent.id, holder: agent.id, network: on.id }),
      );
      (on === network ? chain : onRadius.chain).mint(wallet.address, funds);
      for (const terms of rules)
        await policies.create(core, { principal: OPERATOR, partyId: agent.id, terms });
      const party = { id: agent.id, kind: 'agent' } as const;
      return { principal: { party, scopes: [], credentialId: 'key' }, id: agent.id, wallet };
    },
    async serve(handle) {
      const server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () =>
          handle(Object.assign(request, { body: Buffer.concat(chunks).toString() }), response),
        );
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      closing.push(() => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/paid`;
    },
    paid: (seller = SELLER) =>
      chain.balanceOf(seller as `0x${string}`) + onRadius.chain.balanceOf(seller as `0x${string}`),
    async settleAll(worker = core) {
      for (let round = 0; round < 200; round++) {
        await db.query(
          `update purchases set next_attempt_at = $1 where next_attempt_at is not null and state <> 'requested'`,
          [new Date(clock.now() - 1)],
        );
        const open = await db.query(
          `select id from purchases where state in ('reserved', 'signed', 'delivered', 'refused', 'unknown')`,
        );
        if (open.length === 0) return;
        await purchases.work(worker, { limit: 100 });
      }
      throw new Error('Purchases do not end.');
    },
    async expectSettled() {
      expect(await ledger.verifyLedger(db)).toEqual([]);
      expect(await db.query(`select id from ledger_holds where state = 'open'`)).toEqual([]);
      for (const { wallet_id: walletId } of await db.query<{ wallet_id: string }>(
        'select wallet_id from custody_wallets',
      )) {
        const { available, held, onChain } = await custody.balanceOf(core, { walletId });
        expect({ available, held }).toEqual({ available: onChain, held: 0n });
      }
      const [wrong] = await db.query<{ count: bigint }>(
        `select count(*) as count from purchases p join payments t on t.id = p.transaction_id
         where (p.state = 'confirmed') <> (t.status = 'completed')`,
      );
      expect(wrong?.count).toBe(0n);
    },
    async close() {
      for (const end of closing) await end();
      await onBase.close();
      await onRadius.close();
      await out.close();
      await db.close();
      await scratch.close();
    },
  };
}

/** A chain in memory with a facilitator that settles there. */
async function settled(on: Network) {
  const chain = simulatedChain(clock, on);
  if (on !== baseSepolia) chain.deployPermit2();
  const stopMining = chain.mineEvery(10);
  const gasPayer = privateKeyToAccount(`0x${'6a'.repeat(32)}`);
  const db = await scratchDb({
    server: process.env['DATABASE_URL'] as string,
    migrations: facilitatorMigrations,
  });
  const facilitator = await createFacilitator({
    chain,
    db,
    network: on,
    accounts: [gasPayer],
    clock,
    random: systemRandom,
    maxValidBeforeSeconds: 3_600,
    pollMs: 10,
    // A bound on hanging: on a busy machine some seconds pass, and a seller that gives up has the proof sent again.
    settleTimeoutMs: 20_000,
  });
  return {
    chain,
    facilitator,
    async close() {
      stopMining();
      await facilitator.close();
      await db.close();
    },
  };
}

/** One facilitator that settles on both networks. */
function ofBoth(first: RunningFacilitator, second: RunningFacilitator): RunningFacilitator {
  const of = ({ paymentRequirements }: FacilitatorRequest) =>
    paymentRequirements.network === radiusTestnet.id ? second : first;
  return {
    ...first,
    verify: (request) => of(request).verify(request),
    settle: (request) => of(request).settle(request),
  };
}

/** `permit2`: x402 v2, for SBC on Radius. */
export type Dialect = 'x402v2' | 'x402v1' | 'mpp' | 'permit2';
export const dialects: readonly Dialect[] = ['x402v2', 'x402v1', 'mpp', 'permit2'];

/** One thing that a seller asks for. */
export interface Asked {
  readonly amount?: bigint | string;
  readonly payTo?: string;
  readonly asset?: string;
  readonly networkId?: string;
  readonly networkName?: string;
  readonly seconds?: number;
  readonly extra?: object;
}

export function offerV2(asked: Asked = {}) {
  const { amount = PRICE, payTo = SELLER, asset = network.asset.address } = asked;
  return {
    scheme: 'exact',
    network: asked.networkId ?? network.id,
    amount: String(amount),
    asset,
    payTo,
    maxTimeoutSeconds: asked.seconds ?? 60,
    extra: asked.extra ?? { ...network.asset.eip712 },
  };
}

/** An offer in SBC on Radius. */
export function offerSbc({ extra, ...asked }: Asked = {}) {
  return offerV2({
    networkId: radiusTestnet.id,
    asset: sbc.address,
    extra: extra ?? { ...sbc.eip712, assetTransferMethod: 'permit2' },
    ...asked,
  });
}

/** What the 402 of a seller in SBC says beside its offers: its facilitator pays the gas of permits. */
export const sponsoring = { extensions: declareGasSponsoring() };

export function offerV1(url: string, asked: Asked = {}) {
  const { amount, network: _id, ...rest } = offerV2(asked);
  return {
    ...rest,
    network: asked.networkName ?? network.name,
    maxAmountRequired: amount,
    resource: url,
    description: '',
    mimeType: 'application/json',
  };
}

const SECRET = 'secret-of-the-seller-0123456789-abcdef';
let challenges = 0;

export function challenge(asked: Asked = {}, changed: Partial<mpp.Challenge> = {}): mpp.Challenge {
  const { amount = PRICE, payTo = SELLER, asset = network.asset.address } = asked;
  const request = {
    amount: String(amount),
    currency: asset,
    recipient: payTo,
    methodDetails: { chainId: network.chainId, credentialTypes: ['authorization'], decimals: 6 },
  };
  const expires = new Date(clock.now() + (asked.seconds ?? 60) * 1000).toISOString();
  const bound = {
    realm: `seller-${++challenges}`,
    method: 'evm',
    intent: 'charge',
    request: Buffer.from(JSON.stringify(request)).toString('base64url'),
    expires,
    ...changed,
  };
  return { id: mpp.challengeId(bound, SECRET), ...bound };
}

/** Asks for payment in one dialect. */
export function ask(response: ServerResponse, dialect: Dialect, asked: Asked = {}, url = ''): void {
  if (dialect === 'x402v2') askV2(response, [offerV2(asked)]);
  else if (dialect === 'permit2') askV2(response, [offerSbc(asked)], sponsoring);
  else if (dialect === 'mpp')
    response.writeHead(402, { 'www-authenticate': mpp.serializeChallenge(challenge(asked)) }).end('{}');
  else {
    response.writeHead(402, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ x402Version: 1, error: 'pay', accepts: [offerV1(url, asked)] }));
  }
}

export function askV2(response: ServerResponse, accepts: readonly object[], more: object = {}): void {
  const required = {
    x402Version: 2,
    error: 'pay',
    resource: { url: 'http://seller/paid' },
    accepts,
    ...more,
  };
  response.writeHead(402, { 'payment-required': toBase64(required) }).end('{}');
}

/** The proof in a request; undefined when there is none. */
export function proofIn({ headers }: IncomingMessage): { dialect: Dialect; value: string } | undefined {
  const [v2, v1, credential] = [headers['payment-signature'], headers['x-payment'], headers.authorization];
  if (typeof v2 === 'string') return { dialect: 'x402v2', value: v2 };
  if (typeof v1 === 'string') return { dialect: 'x402v1', value: v1 };
  return credential?.startsWith('Payment ') ? { dialect: 'mpp', value: credential } : undefined;
}

/** What a facilitator is asked about a proof of any dialect. */
export function settlementOf({ dialect, value }: { dialect: Dialect; value: string }): FacilitatorRequest {
  const permit = permitIn({ dialect, value });
  if (permit) {
    const { permitted, witness } = permit.payload.permit2Authorization;
    const paymentRequirements = offerSbc({ amount: permitted.amount, payTo: witness.to });
    const paymentPayload = { ...permit, x402Version: 2, accepted: paymentRequirements };
    return { x402Version: 2, paymentPayload, paymentRequirements } as FacilitatorRequest;
  }
  const { authorization, signature } =
    dialect === 'mpp'
      ? splitMpp(mpp.readCredential(value).payload)
      : (fromBase64(value) as { payload: { authorization: Authorized; signature: string } }).payload;
  const accepted = offerV2({ amount: authorization.value, payTo: authorization.to });
  const payload = { signature, authorization };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload },
    paymentRequirements: accepted,
  } as FacilitatorRequest;
}

/** The payload and the extensions of a proof by Permit2; undefined for any other. */
export function permitIn({ dialect, value }: { dialect: Dialect; value: string }) {
  if (dialect === 'mpp') return undefined;
  const proof = fromBase64(value) as {
    payload: ExactPermit2Payload;
    extensions: Record<string, { info: Record<string, string> }>;
  };
  const { payload, extensions } = proof;
  return 'permit2Authorization' in payload ? { payload, extensions } : undefined;
}

interface Authorized {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly nonce: string;
  readonly validBefore: string;
}

function splitMpp(payload: Record<string, unknown>) {
  const { signature, type: _type, ...authorization } = payload;
  return { authorization: authorization as unknown as Authorized, signature: signature as string };
}

/** The authorization in a proof, as one by EIP-3009 has it. */
export function authorizationIn(proof: { dialect: Dialect; value: string }): Authorized {
  return authorizedIn(settlementOf(proof));
}

/** The same of what a facilitator is asked. */
export function authorizedIn({ paymentPayload: { payload } }: FacilitatorRequest): Authorized {
  if (!('permit2Authorization' in payload)) return payload['authorization'] as Authorized;
  const { from, permitted, nonce, deadline, witness } = payload[
    'permit2Authorization'
  ] as ExactPermit2Payload['permit2Authorization'];
  return { from, to: witness.to, value: permitted.amount, nonce, validBefore: String(BigInt(deadline) + 1n) };
}

/** Says that a payment was settled, in the words of the dialect. */
export function receiptHeaders(
  proof: { dialect: Dialect; value: string },
  transaction: string,
): Record<string, string> {
  if (proof.dialect === 'mpp') {
    const { id } = mpp.readCredential(proof.value).challenge;
    const receipt = { status: 'success', method: 'evm', timestamp: new Date(0).toISOString() } as const;
    return {
      'payment-receipt': mpp.serializeReceipt({ ...receipt, reference: transaction, challengeId: id }),
    };
  }
  const on = permitIn(proof) ? radiusTestnet : network;
  const settled = { success: true, transaction, network: on.id, payer: authorizationIn(proof).from };
  const name = proof.dialect === 'x402v2' ? 'payment-response' : 'x-payment-response';
  return { [name]: x402v2.encodeSettleResponse(settled) };
}

/** An honest seller: asks in one dialect, settles every proof once, and delivers once it is settled. */
export interface HonestSeller {
  readonly handle: Handle;
  /** Every proof that came, in order. */
  readonly proofs: { dialect: Dialect; value: string }[];
  delivered(): number;
}

export function honestSeller(facilitator: Facilitator, dialect: Dialect, asked: Asked = {}): HonestSeller {
  const proofs: { dialect: Dialect; value: string }[] = [];
  let delivered = 0;
  return {
    proofs,
    delivered: () => delivered,
    async handle(request, response) {
      const proof = proofIn(request);
      if (!proof) return ask(response, dialect, asked, 'http://seller/paid');
      proofs.push(proof);
      const settled = await facilitator.settle(settlementOf(proof)).catch(() => undefined);
      if (!settled?.success) return response.writeHead(503).end();
      delivered++;
      response.writeHead(200, {
        'content-type': 'application/json',
        ...receiptHeaders(proof, settled.transaction),
      });
      response.end(JSON.stringify({ weather: 'sunny', said: request.body }));
    },
  };
}

export const textOf = ({ response }: purchases.Purchased): string => Buffer.from(response.body).toString();
