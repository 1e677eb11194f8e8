import { AgentPayError, baseSepolia, memoryStore, type Clock } from '@agentpay/primitives';
import { cancelCall, transferCall, type Call } from '@agentpay/evm';
import { paywall } from '@agentpay/paywall';
import {
  authorizationTypedData,
  fromAuthorization,
  x402v1,
  x402v2,
  type Authorization,
  type Facilitator,
} from '@agentpay/protocol';
import type { PrivateKeyAccount } from 'viem';
import { payees, payers, randomAuthorization } from './Purchase.js';
import type { Dice } from './Dice.js';

const { usdc, chainId } = baseSepolia;
const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
/** Both sellers have one payee, and no store in common. */
const PAY_TO = payees[0] as `0x${string}`;
const PRICE = '$0.00001';
const URL_ = 'http://seller.example/goods';
/** How long a seller waits for the facilitator, ms. */
const PATIENCE_MS = 10_000;
const MOST_SALES = 10;

/** What the sellers and their buyers have of the world. */
interface Dependencies {
  readonly dice: Dice;
  readonly clock: Clock;
  readonly chain: { act(call: Call): Promise<void> };
  readonly replicas: readonly { readonly facilitator: Facilitator }[];
  height: number;
  highest: number;
  tell(what: string): void;
}

/** How the facilitator is away for the sellers, between verify and settle. */
const absences = ['here', 'unreachable', 'silent', 'response lost'] as const;

/** Something bought from a seller behind a paywall. */
interface Sale {
  readonly label: string;
  readonly authorization: Authorization;
  /** What anybody may broadcast. */
  readonly call: Call;
  readonly headers: Record<string, string>;
  readonly seller: number;
  /** What was delivered for it; the same text for the same delivery. */
  readonly delivered: Set<string>;
  /** Ends the requests that are under way. */
  readonly open: Set<AbortController>;
}

/** Two sellers, their buyers, and what has become of their sales. */
export interface Market {
  readonly sales: readonly Sale[];
  buy(): Promise<void>;
  sendAgain(): void;
  carryElsewhere(): void;
  hangUp(): void;
  cancel(): Promise<void>;
  useNonceElsewhere(): Promise<void>;
  broadcast(): Promise<void>;
  changeAbsence(): void;
  /** The facilitator is there for good, and every buyer asks once more. */
  settleDown(): void;
}

type Respond = (request: Request) => Promise<Response>;

export function createMarket(world: Dependencies): Market {
  const { dice, tell } = world;
  const sales: Sale[] = [];
  const clock: Clock = world.clock;
  let absence: (typeof absences)[number] = 'here';
  let runs = 0;

  async function ask<T>(call: (facilitator: Facilitator) => Promise<T>): Promise<T> {
    if (world.replicas.length === 0 || absence === 'unreachable') throw unavailable();
    const { facilitator } = dice.pick(world.replicas);
    // A process that dies says nothing any more.
    const late = new Promise<never>((_, reject) => {
      clock.timer(PATIENCE_MS, () => reject(unknown()), { background: true });
    });
    return Promise.race([call(facilitator), late]);
  }

  const facilitator: Facilitator = {
    // Verified before it goes away: what is known then is all that the seller has.
    verify: (request) => {
      if (world.replicas.length === 0) return Promise.reject(unavailable());
      return dice.pick(world.replicas).facilitator.verify(request);
    },
    async settle(request) {
      if (absence === 'silent') throw unknown();
      const response = await ask((own) => own.settle(request));
      if (absence === 'response lost') throw unknown();
      return response;
    },
    supported: () => ask((own) => own.supported()),
  };

  const sellers: readonly Respond[] = [0, 1].map((index) => {
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator,
      price: PRICE,
      clock,
      random: dice.random,
      store: memoryStore(clock),
      maxTimeoutSeconds: 60,
      maxUnpaidRuns: 1000,
      onError: ({ what }) => tell(`  seller ${index}: ${what}`),
    });
    const handle = async (): Promise<Response> => {
      const goods = `goods ${(runs += 1)} of seller ${index}`;
      const ms = dice.between(0, 3_000);
      await new Promise<void>((resolve) => void clock.timer(ms, resolve));
      return new Response(goods);
    };
    return (request) => wall.respond(request, handle);
  });

  /** Sends the proof to a seller; what comes back is noted whenever it does. */
  function send(sale: Sale, seller: number): void {
    const leaving = new AbortController();
    sale.open.add(leaving);
    tell(`${sale.label} sent to seller ${seller}`);
    const request = new Request(URL_, { headers: sale.headers, signal: leaving.signal });
    const answered = (sellers[seller] as Respond)(request).then(async (response) => {
      const text = await response.text();
      tell(`${sale.label}: seller ${seller} gives ${response.status}`);
      if (response.status === 200) sale.delivered.add(text);
    });
    answered
      .catch((error: Error) => tell(`${sale.label}: ${error.message}`))
      .finally(() => sale.open.delete(leaving));
  }

  const pick = (): Sale | undefined => (sales.length > 0 ? dice.pick(sales) : undefined);
  async function act(sale: Sale, what: string, call: Call): Promise<void> {
    tell(`the buyer of ${sale.label} ${what}`);
    await world.chain.act(call);
    world.height += 1;
    world.highest = Math.max(world.highest, world.height);
  }

  return {
    sales,
    async buy() {
      if (sales.length >= MOST_SALES) return;
      const seller = dice.between(0, 1);
      const offer = await (sellers[seller] as Respond)(new Request(URL_));
      const version = dice.chance(0.7) ? 2 : 1;
      const signed = await sign(world, version, offer);
      const label = `sale ${sales.length} by x402 v${version}`;
      const sale: Sale = { ...signed, label, seller, delivered: new Set(), open: new Set() };
      sales.push(sale);
      send(sale, seller);
    },
    sendAgain() {
      const sale = pick();
      if (sale) send(sale, sale.seller);
    },
    carryElsewhere() {
      const sale = pick();
      if (sale) send(sale, 1 - sale.seller);
    },
    hangUp() {
      const sale = pick();
      const [leaving] = sale?.open ?? [];
      if (!leaving) return;
      tell(`the buyer of ${sale?.label} hangs up`);
      leaving.abort();
    },
    async cancel() {
      const sale = pick();
      if (!sale) return;
      const { from, nonce } = sale.authorization;
      await act(sale, 'cancels', cancelCall(usdc.address, from, nonce));
    },
    async useNonceElsewhere() {
      const sale = pick();
      if (!sale) return;
      const { from, nonce } = sale.authorization;
      const seconds = Math.floor(clock.now() / 1000);
      const other = { ...randomAuthorization(dice, seconds), from, nonce, to: payees[1] as `0x${string}` };
      const signature = await payerOf(other).signTypedData(authorizationTypedData(domain, other));
      await act(sale, 'uses its nonce elsewhere', transferCall(usdc.address, other, signature));
    },
    async broadcast() {
      const sale = pick();
      if (sale) await act(sale, 'broadcasts it', sale.call);
    },
    changeAbsence() {
      absence = dice.pick(absences);
      tell(`the facilitator is ${absence} for the sellers when they settle`);
    },
    settleDown() {
      absence = 'here';
      for (const sale of sales) send(sale, sale.seller);
    },
  };
}

async function sign(world: Dependencies, version: 1 | 2, offer: Response) {
  const seconds = Math.floor(world.clock.now() / 1000);
  const authorization = {
    ...randomAuthorization(world.dice, seconds),
    to: PAY_TO,
    value: 10n,
    validBefore: BigInt(seconds + 60),
  };
  const signature = await payerOf(authorization).signTypedData(authorizationTypedData(domain, authorization));
  const payload = { signature, authorization: fromAuthorization(authorization) };
  const call = transferCall(usdc.address, authorization, signature);
  if (version === 1) {
    const [accepted] = x402v1.parsePaymentRequired(await offer.json()).accepts;
    const network = (accepted as x402v1.PaymentRequirements).network;
    const text = x402v1.encodePaymentPayload({ x402Version: 1, scheme: 'exact', network, payload });
    return { authorization, call, headers: { 'x-payment': text } };
  }
  const [accepted] = x402v2.decodePaymentRequired(offer.headers.get('payment-required') as string).accepts;
  const paid = { x402Version: 2, accepted: accepted as x402v2.PaymentRequirements, payload } as const;
  return { authorization, call, headers: { 'payment-signature': x402v2.encodePaymentPayload(paid) } };
}

function payerOf({ from }: Pick<Authorization, 'from'>): PrivateKeyAccount {
  return payers.find(({ address }) => address === from) as PrivateKeyAccount;
}

const unavailable = () => new AgentPayError('facilitator_unavailable', 'away');
const unknown = () => new AgentPayError('settlement_unknown', 'no response');
