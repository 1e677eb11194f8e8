import type { Hex } from '@agentpay/protocol';
import { BaseError, RpcRequestError } from 'viem';
import type { ChainErrorKind } from './Chain.js';

/** One pattern for all, whatever the case. */
const anyOf = (...patterns: RegExp[]) => new RegExp(patterns.map(({ source }) => source).join('|'), 'i');

/** HTTP statuses of a node that wants other credentials, money or patience. */
const LIMIT_STATUSES: readonly number[] = [401, 402, 403, 429];
/** -32016 is a rate limit at Coinbase and Cloudflare. The -32005 of EIP-1474 is used for other limits as well, so its words decide. */
const LIMIT_CODES: readonly number[] = [-32_016, 429];
const LIMIT = anyOf(
  /rate.?limit/,
  /too many requests/,
  /(?:daily|monthly|request|second|minute).*(?:limit|quota|exceeded)/,
  /quota/,
  /capacity/,
  /throughput/,
  /compute units/,
  /credits/,
  /unauthori[sz]ed/,
  /forbidden/,
  /invalid (?:api|project)/,
  /api key/,
);
/** What nodes say when a batch has too many members, or its responses are too large together. */
const TOO_MANY = /batch|too many (?:requests|calls) in|response (?:is )?too (?:large|big)/i;
/** What nodes say when `eth_getLogs` would look at too many blocks, or give too many logs. */
const TOO_WIDE = /\brange|blocks?\b|results|response size|too many logs/i;
/** The method is not known or not supported, or the node failed. */
const NOT_ABOUT_RANGES: readonly number[] = [-32_601, -32_004, -32_603];
/** Where a node gives no code: "server error" of JSON-RPC 2.0. */
const UNKNOWN_CODE = -32_000;

/** Codes for a call that ran and failed: 3 (geth and most others), -32015 (Nethermind, OpenEthereum). */
const RAN_CODES: readonly number[] = [3, -32_015];
const RAN =
  /revert|out of gas|invalid opcode|invalid jump|stack (?:under|over)flow|write protection|EVM error|vm execution/i;

const NONCE_TOO_LOW = /nonce too low|nonce is too low|nonce provided for the transaction is lower/i;
const UNDERPRICED = /underpriced|fee too low|less than block base fee|fee cap less than/i;
/** What else nodes (geth, reth, erigon, Nethermind, Besu, anvil) say of a transaction that they will not take, whoever asks. */
const UNSENDABLE = anyOf(
  /insufficient funds/,
  /intrinsic gas/,
  /gas limit (?:reached|exceeded)/,
  /exceeds block gas limit/,
  /gas (?:uint64 )?overflow/,
  /invalid (?:sender|signature|chain.?id|transaction)/,
  /oversized data/,
  /(?:not supported|unsupported).*type/,
  /type not supported/,
  /sender not an eoa/,
  /not an externally owned/,
  /priority fee.*(?:higher|above|exceed)/,
  /rlp/,
  /nonce (?:has max|too high|is too high)/,
  /transaction rejected/,
);

/** A node that answered with an error: JSON-RPC's code and message, whatever shape they came in, and the HTTP status around it. */
export class NodeRefusal extends RpcRequestError {
  constructor(
    url: string,
    error: { code: number; message: string; data?: unknown },
    readonly httpStatus: number,
    body: Record<string, unknown>,
  ) {
    super({ body, error, url });
  }

  /** It says nothing of what was asked: this node does no more work for us now. */
  get isLimit(): boolean {
    if (TOO_MANY.test(this.details)) return false;
    return isLimitStatus(this.httpStatus) || LIMIT_CODES.includes(this.code) || LIMIT.test(this.details);
  }

  /** Fewer blocks may be looked through. */
  get isForRange(): boolean {
    if (isLimitStatus(this.httpStatus)) return false;
    return TOO_WIDE.test(this.details) || !(this.isLimit || NOT_ABOUT_RANGES.includes(this.code));
  }
}

/** The refusal in the `error` of a JSON-RPC response, which should be an object and is not always. */
export function nodeRefusal(
  url: string,
  error: unknown,
  httpStatus: number,
  question: object = {},
): NodeRefusal {
  const given = typeof error === 'object' && error !== null ? error : { message: error };
  const { code, message, data } = given as { code?: unknown; message?: unknown; data?: unknown };
  const shaped = {
    code: typeof code === 'number' ? code : UNKNOWN_CODE,
    message: typeof message === 'string' ? message : 'no reason given',
    data,
  };
  return new NodeRefusal(url, shaped, httpStatus, { ...question });
}

/** Whether the `error` of a response says that the batch around it is too large. */
export function saysTooMany(error: unknown): boolean {
  return TOO_MANY.test(String((error as { message?: unknown } | null | undefined)?.message ?? ''));
}

/** The refusal behind what viem threw; undefined when the node gave none. */
export function refusalIn(error: unknown): NodeRefusal | undefined {
  const found = error instanceof BaseError ? error.walk((cause) => cause instanceof NodeRefusal) : undefined;
  return found instanceof NodeRefusal ? found : undefined;
}

/** What a call reverted with; undefined when the node did not run it. */
export function revertData(error: unknown): Hex | undefined {
  const refusal = refusalIn(error);
  if (!refusal || isLimitStatus(refusal.httpStatus)) return undefined;
  if (!RAN_CODES.includes(refusal.code) && !RAN.test(refusal.details)) return undefined;
  return typeof refusal.data === 'string' && refusal.data.startsWith('0x') ? (refusal.data as Hex) : '0x';
}

/** Whether the node holds the transaction already, in the words of geth, reth, anvil and erigon. */
export function isKnown(error: unknown): boolean {
  return /already known|already imported|known transaction/i.test(refusalIn(error)?.details ?? '');
}

/** What nodes (anvil, geth, others behind a balancer) say when "latest" is no longer the block that they took it for. */
export function isOvertaken(error: unknown): boolean {
  return /BlockOutOfRange|header not found|unknown block/i.test(refusalIn(error)?.details ?? '');
}

/** What a failure says. Only of a transaction that was sent can a node say something final. */
export function kindOf(method: string, error: unknown): ChainErrorKind {
  const refusal = refusalIn(error);
  if (!refusal || refusal.isLimit) return 'unreachable';
  if (method !== 'send') return 'declined';
  if (NONCE_TOO_LOW.test(refusal.details)) return 'nonce_too_low';
  if (UNDERPRICED.test(refusal.details)) return 'underpriced';
  return UNSENDABLE.test(refusal.details) ? 'refused' : 'declined';
}

function isLimitStatus(status: number): boolean {
  return LIMIT_STATUSES.includes(status);
}
