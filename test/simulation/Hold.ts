import { baseSepolia } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  boundSalt,
  bytesToHex,
  captureOrderOf,
  ERC3009_COLLECTOR,
  escrowTypedData,
  fromPaymentInfo,
  hashAuthCaptureOrder,
  hashReceiverRefund,
  payerAgnosticHash,
  paymentInfoHash,
  privateKeySigner,
  RECEIVER_REFUND_COLLECTOR,
  sameHex,
  type AuthCaptureOrder,
  type Hex,
  type PaymentInfo,
} from '@agentpay/protocol';
import {
  captureCall,
  reclaimCall,
  voidCall,
  type Call,
  type HoldEvent,
  type EscrowBalance,
} from '@agentpay/evm';
import { keccak256, toHex, type PrivateKeyAccount } from 'viem';
import type { Dice } from './Dice.js';
import type { Asked, Hold, Ordered } from './EscrowBook.js';
import { payers } from './Purchase.js';
import { Violation } from './Violation.js';
import { mine, settle, type World } from './World.js';

const { usdc, id: network, chainId } = baseSepolia;
const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
const receiver = privateKeySigner(keccak256(toHex('receiver')));
const authorizer = privateKeySigner(keccak256(toHex('authorizer')));
const feeReceiver = privateKeySigner(keccak256(toHex('fees'))).address;
const ZERO = `0x${'0'.repeat(40)}` as const;
const MOST_HOLDS = 8;
const MOST_ORDERS = 16;

/** A payer's money is held, or asked to be. */
export async function placeHold(world: World): Promise<void> {
  const { dice, escrow, clock } = world;
  if (escrow.holds.length >= MOST_HOLDS) return;
  const hold = await newHold(dice, Math.floor(clock.now() / 1000), `h${escrow.holds.length}`);
  escrow.holds.push(hold);
  settle(world, hold);
}

async function newHold(dice: Dice, now: number, label: string): Promise<Hold> {
  const payer = dice.pick(payers) as PrivateKeyAccount;
  const saltNonce = bytesToHex(dice.random.bytes(32));
  const preApprovalExpiry = now + dice.between(8, 60);
  const authorizationExpiry = preApprovalExpiry + dice.between(0, 60);
  const info: PaymentInfo = {
    operator: AGREEMENT_OPERATOR,
    payer: payer.address,
    receiver: receiver.address,
    token: usdc.address,
    maxAmount: BigInt(dice.between(1, 40)),
    preApprovalExpiry,
    authorizationExpiry,
    refundExpiry: authorizationExpiry + dice.between(0, 20),
    minFeeBps: 0,
    maxFeeBps: 1_000,
    feeReceiver,
    salt: boundSalt(authorizer.address, ZERO, saltNonce),
  };
  const payload = {
    signature: await payer.signTypedData(escrowTypedData(domain, info)),
    authorization: {
      from: payer.address,
      to: ERC3009_COLLECTOR,
      value: info.maxAmount.toString(),
      validAfter: '0',
      validBefore: String(preApprovalExpiry),
      nonce: payerAgnosticHash(chainId, info),
    },
    salt: info.salt,
    saltNonce,
  };
  const request = requestOf(info, label, payload);
  return { label, info, saltNonce, id: paymentInfoHash(chainId, info), request, answer: 'unknown', open: 0 };
}

function requestOf(info: PaymentInfo, label: string, payload: Record<string, unknown>): Asked['request'] {
  const terms = {
    scheme: 'auth-capture',
    network,
    amount: info.maxAmount.toString(),
    asset: usdc.address,
    payTo: info.receiver,
    maxTimeoutSeconds: 1,
    extra: {
      ...usdc.eip712,
      captureAuthorizer: info.operator,
      receiverAuthorizer: authorizer.address,
      feeRecipient: info.feeReceiver,
      captureDeadline: info.authorizationExpiry,
      refundDeadline: info.refundExpiry,
      minFeeBps: info.minFeeBps,
      maxFeeBps: info.maxFeeBps,
    },
  };
  const resource = { url: `https://seller.example/${label}` };
  const paymentPayload = { x402Version: 2 as const, resource, accepted: terms, payload };
  return { x402Version: 2, paymentPayload, paymentRequirements: terms };
}

/** The receiver's side orders something: mostly what can be done now, sometimes what could have been done before. */
export function orderSomething(world: World): void {
  const { dice, escrow } = world;
  if (escrow.holds.length === 0 || escrow.orders.length >= MOST_ORDERS) return;
  const live = escrow.holds.filter(({ id }) => world.chain.hold(id).collected);
  const hold = dice.pick(live.length > 0 && dice.chance(0.9) ? live : escrow.holds);
  const state = world.chain.hold(hold.id);
  const order = signed(randomOrder(dice, hold, state));
  const label = `${order.type} ${escrow.orders.length} of ${hold.label}`;
  const ordered: Ordered = {
    hold,
    order,
    label,
    answer: 'unknown',
    open: 0,
    request: requestOf(hold.info, label, { ...order }),
  };
  // The same order under another name would be the same order.
  if (escrow.orders.some((other) => digestOf(other.order) === digestOf(order))) return;
  escrow.orders.push(ordered);
  settle(world, ordered);
}

function randomOrder(
  dice: Dice,
  { info, saltNonce }: Hold,
  { capturable, refundable }: EscrowBalance,
): AuthCaptureOrder {
  const bound = { paymentInfo: fromPaymentInfo(info), saltNonce };
  const kind = dice.pick(['capture', 'capture', 'capture', 'void', 'refund'] as const);
  if (kind === 'void') return { type: 'void', ...bound };
  const most = Number(kind === 'capture' ? capturable : refundable);
  const amount = BigInt(dice.between(1, Math.max(1, most)));
  const expected = {
    amount: amount.toString(),
    expectedCapturableAmount: capturable.toString(),
    expectedRefundableAmount: refundable.toString(),
  };
  if (kind === 'capture') {
    const feeAmount = dice.chance(0.5) ? '0' : (amount / 10n).toString();
    return { type: 'capture', ...bound, ...expected, feeAmount, feeReceiver };
  }
  const left = refundable >= amount ? refundable - amount : 0n;
  const collectorData = receiver.sign(hashReceiverRefund(domain, info, { amount, left }));
  return { type: 'refund', ...bound, ...expected, tokenCollector: RECEIVER_REFUND_COLLECTOR, collectorData };
}

function signed(order: AuthCaptureOrder): AuthCaptureOrder {
  return { ...order, authorizerSignature: authorizer.sign(hashAuthCaptureOrder(chainId, order)) };
}

const digestOf = (order: AuthCaptureOrder): string => bytesToHex(hashAuthCaptureOrder(chainId, order));

/** Somebody asks again for a hold, or for what became of it. */
export function askAboutHolds(world: World): void {
  const { holds, orders } = world.escrow;
  const all = [...holds, ...orders];
  if (all.length > 0) settle(world, world.dice.pick(all));
}

/** The payer takes back what the deadline has left them, or tries to. */
export async function reclaimHold(world: World): Promise<void> {
  const { dice, escrow, tell } = world;
  if (escrow.holds.length === 0) return;
  const { label, info } = dice.pick(escrow.holds);
  tell(`the payer of ${label} reclaims it`);
  await mine(world, reclaimCall(info));
}

/** Whoever sees an order may carry it out. */
export async function carryOut(world: World): Promise<void> {
  const { dice, escrow, tell } = world;
  const seen = escrow.orders.filter(({ order }) => order.type !== 'refund');
  if (seen.length === 0) return;
  const { label, order, hold } = dice.pick(seen);
  tell(`somebody carries out ${label}`);
  await mine(world, callOf(order, hold));
}

function callOf(order: AuthCaptureOrder, { info, saltNonce }: Hold): Call {
  const authorizerSignature = order.authorizerSignature as Hex;
  const binding = { receiverAuthorizer: authorizer.address, saltNonce, captureNotBefore: 0 };
  const item = { info, binding, authorizerSignature };
  if (order.type !== 'capture') return voidCall(info.operator, [item], true);
  return captureCall(
    info.operator,
    [{ ...item, ...captureOrderOf(chainId, order), payerSignature: '0x' }],
    true,
  );
}

interface Told {
  readonly event: HoldEvent;
  readonly hash: Hex;
  readonly before: EscrowBalance;
}

/** The story of a hold as the chain tells it. */
function storyOf({ chain }: World, { id }: Hold): readonly Told[] {
  let before: EscrowBalance = { collected: false, capturable: 0n, refundable: 0n };
  return chain.holdEvents(id).map(({ event, hash }) => {
    const told = { event, hash, before };
    before = after(before, event);
    return told;
  });
}

function after({ capturable, refundable }: EscrowBalance, { kind, amount }: HoldEvent): EscrowBalance {
  const collected = true;
  if (kind === 'authorized') return { collected, capturable: amount, refundable };
  if (kind === 'captured')
    return { collected, capturable: capturable - amount, refundable: refundable + amount };
  if (kind === 'refunded') return { collected, capturable, refundable: refundable - amount };
  return { collected, capturable: 0n, refundable };
}

/** The event by which an order was carried out: it met the balances that the order names, and did what the order says. */
function eventOf({ order }: Ordered, story: readonly Told[]): Told | undefined {
  return story.find(({ event, before }) => {
    if (order.type === 'void') return event.kind === 'voided';
    const met =
      before.capturable === BigInt(order.expectedCapturableAmount) &&
      before.refundable === BigInt(order.expectedRefundableAmount);
    const kind = order.type === 'capture' ? 'captured' : 'refunded';
    const fee = order.type === 'capture' ? BigInt(order.feeAmount) : 0n;
    return met && event.kind === kind && event.amount === BigInt(order.amount) && event.feeAmount === fee;
  });
}

/** Holds after every step: what went out and what came back is what was held, and no response says what did not happen. */
export function checkHolds(world: World): void {
  for (const hold of world.escrow.holds) {
    const story = storyOf(world, hold);
    const sum = (...kinds: readonly HoldEvent['kind'][]) =>
      story.reduce((total, { event }) => total + (kinds.includes(event.kind) ? event.amount : 0n), 0n);
    const { capturable, refundable } = world.chain.hold(hold.id);
    const [held, out, back] = [sum('authorized'), sum('captured'), sum('voided', 'reclaimed')];
    if (held > hold.info.maxAmount)
      throw new Violation(`${hold.label} was held for more than its payer signed`);
    if (held !== capturable + out + back)
      throw new Violation(
        `${hold.label}: ${held} held, ${out} paid out, ${back} given back, ${capturable} left`,
      );
    if (refundable !== out - sum('refunded')) throw new Violation(`${hold.label} was refunded wrongly`);
    if (hold.answer === 'settled' && held === 0n)
      throw new Violation(`${hold.label} was acknowledged, but nothing is held`);
    for (const ordered of world.escrow.orders) {
      if (ordered.hold === hold && ordered.answer === 'settled' && !eventOf(ordered, story))
        throw new Violation(`${ordered.label} was acknowledged, but was not carried out`);
    }
  }
}

/** Holds when faults have stopped, before anybody asks again: what a transaction of ours did was not called refused. */
export function checkHoldRefusals(world: World, own: ReadonlySet<string>): void {
  for (const hold of world.escrow.holds) {
    const story = storyOf(world, hold);
    const made = story.find(({ event }) => event.kind === 'authorized');
    const isOwn = (told: Told | undefined) => told !== undefined && own.has(told.hash.toLowerCase());
    const refused = ({ answer, open }: Asked) => answer === 'refused' && open === 0;
    if (isOwn(made) && refused(hold)) throw new Violation(`${hold.label} was refused, but is held`);
    for (const ordered of world.escrow.orders) {
      if (ordered.hold === hold && refused(ordered) && isOwn(eventOf(ordered, story)))
        throw new Violation(`${ordered.label} was refused, but was carried out`);
    }
  }
}

/** Holds at the end, when everybody has asked again: records and responses are what the chain shows. */
export function checkHoldsEnd(
  world: World,
  rows: readonly { readonly nonce: Hex; readonly state: string; readonly hash: Hex | null }[],
  own: ReadonlySet<string>,
): void {
  const rowOf = (nonce: string) => rows.find((row) => sameHex(row.nonce, nonce));
  for (const hold of world.escrow.holds) {
    const story = storyOf(world, hold);
    const made = story.find(({ event }) => event.kind === 'authorized');
    check(hold, rowOf(hold.id), made, own);
    for (const ordered of world.escrow.orders)
      if (ordered.hold === hold) check(ordered, rowOf(digestOf(ordered.order)), eventOf(ordered, story), own);
  }
}

function check(
  { label, answer }: Asked,
  row: { readonly state: string; readonly hash: Hex | null } | undefined,
  told: Told | undefined,
  own: ReadonlySet<string>,
): void {
  if (row?.state === 'settled' && !told)
    throw new Violation(`${label}: recorded as settled, but was not done`);
  if (!told || !own.has(told.hash.toLowerCase())) return;
  if (row?.state !== 'settled' || !row.hash || !sameHex(row.hash, told.hash))
    throw new Violation(`${label}: done by ${told.hash}, recorded as ${row?.state} ${row?.hash}`);
  if (answer !== 'settled') throw new Violation(`${label}: done, but ${answer}`);
}
