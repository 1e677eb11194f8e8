import { findNetwork } from '@agentpay/primitives';
import { isPlain } from '../encoding/Json.js';
import { sameHex } from '../evm/Hex.js';
import type { FacilitatorRequest, SupportedResponse, VerifyResponse } from './Facilitator.js';
import type { SettleResponse } from './v2.js';

type Members = Readonly<Record<string, unknown>>;

const TRANSACTION = /^0x[0-9a-fA-F]{64}$/;
const MOST_REASON = 256;
const MOST_MESSAGE = 4096;
const MOST_OTHER = 128;
const MOST_EXTENSIONS = 16 * 1024;

/** A facilitator's word is about another payment than the one that it was asked about: not taken for a yes. */
export class OtherPayment extends Error {
  override readonly name = 'OtherPayment';
}

/**
 * What a facilitator says to `/verify`. `isValid` decides; what stands beside it is shortened or dropped where it is not as it should be,
 * so that no definite response is lost over it. Undefined: it says neither yes nor no.
 * @throws OtherPayment for a yes about somebody else
 */
export function readVerifyResponse(body: unknown, request: FacilitatorRequest): VerifyResponse | undefined {
  const members = membersOf(body);
  if (typeof members?.['isValid'] !== 'boolean') return undefined;
  const { isValid } = members;
  const payer = textOf(members['payer'], MOST_OTHER);
  if (isValid && isOtherPayer(request, payer)) throw new OtherPayment('The yes names another payer.');
  return defined({
    isValid,
    invalidReason: textOf(members['invalidReason'], MOST_REASON),
    invalidMessage: textOf(members['invalidMessage'], MOST_MESSAGE),
    payer,
    balance: digitsOf(members['balance']),
  });
}

/**
 * What a facilitator says to `/settle`, read as {@link readVerifyResponse} does: `success` decides, and a yes must name its transaction.
 * The network is that of the request, by whatever name the facilitator calls it.
 * @throws OtherPayment for a yes about another payer or network, or without a transaction
 */
export function readSettleResponse(body: unknown, request: FacilitatorRequest): SettleResponse | undefined {
  const members = membersOf(body);
  if (typeof members?.['success'] !== 'boolean') return undefined;
  const { success } = members;
  const { network } = request.paymentRequirements;
  const payer = textOf(members['payer'], MOST_OTHER);
  const transaction = textOf(members['transaction'], MOST_REASON) ?? '';
  const named = textOf(members['network'], MOST_OTHER / 2) ?? network;
  const isOurs = isSameNetwork(named, network);
  if (success) {
    if (!isOurs) throw new OtherPayment('The yes names another network.');
    if (isOtherPayer(request, payer)) throw new OtherPayment('The yes names another payer.');
    if (!TRANSACTION.test(transaction)) throw new OtherPayment('The yes names no transaction.');
  }
  return defined({
    success,
    transaction,
    network: isOurs ? network : named,
    payer,
    amount: digitsOf(members['amount']),
    errorReason: success ? undefined : textOf(members['errorReason'], MOST_REASON),
    errorMessage: success ? undefined : textOf(members['errorMessage'], MOST_MESSAGE),
    repeat: members['repeat'] === true || undefined,
    nonceUse: nonceUseOf(members['nonceUse']),
    extensions: extensionsOf(members['extensions']),
  });
}

/** What a facilitator says to `/supported`; kinds that cannot be read are left out. Undefined: it is no list of kinds. */
export function readSupportedResponse(body: unknown): SupportedResponse | undefined {
  const members = membersOf(body);
  if (!Array.isArray(members?.['kinds'])) return undefined;
  return {
    kinds: members['kinds'].flatMap((kind) => kindOf(kind) ?? []),
    extensions: textsOf(members['extensions']),
    signers: Object.fromEntries(
      Object.entries(membersOf(members['signers']) ?? {}).map(([family, list]) => [family, textsOf(list)]),
    ),
  };
}

function kindOf(kind: unknown): SupportedResponse['kinds'][number] | undefined {
  const members = membersOf(kind) ?? {};
  const { x402Version, scheme, network } = members;
  if (typeof x402Version !== 'number' || typeof scheme !== 'string' || typeof network !== 'string')
    return undefined;
  const extra = membersOf(members['extra']);
  return { x402Version, scheme, network, ...(extra && { extra: { ...extra } }) };
}

function textsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((text) => typeof text === 'string') : [];
}

/** The names of a network are equal: x402 v1 has its own, and so have some facilitators for v2. */
function isSameNetwork(a: string, b: string): boolean {
  const [x, y] = [a, b].map((name) => findNetwork(name.toLowerCase())?.id ?? name);
  return x === y;
}

function isOtherPayer(request: FacilitatorRequest, payer: string | undefined): boolean {
  const { authorization, permit2Authorization } = request.paymentPayload.payload;
  const from = ((authorization ?? permit2Authorization) as { from?: unknown } | undefined)?.from;
  return payer !== undefined && typeof from === 'string' && !sameHex(payer, from);
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;
}

/** A text that says something, at most so long. */
function textOf(value: unknown, most: number): string | undefined {
  const text = typeof value === 'string' ? value.trim().slice(0, most).toWellFormed() : '';
  return text === '' ? undefined : text;
}

function digitsOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^\d{1,78}$/.test(value) ? value : undefined;
}

function nonceUseOf(value: unknown): SettleResponse['nonceUse'] {
  return value === 'payment' || value === 'other' ? value : undefined;
}

function extensionsOf(value: unknown): SettleResponse['extensions'] {
  const members = membersOf(value);
  const readable =
    members !== undefined && isPlain(members) && JSON.stringify(members).length <= MOST_EXTENSIONS;
  return readable ? { ...members } : undefined;
}

/** The object without its undefined members. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
