import { MULTICALL3 } from '@agentpay/primitives';
import type { Address, Hex } from '@agentpay/protocol';
import type { Call, CallResult } from './Chain.js';

// The ABI coding is written out, because it is done for every payment and takes a general coder about ten times as long.
// aggregate3((address target, bool allowFailure, bytes callData)[]) returns ((bool success, bytes returnData)[])

const AGGREGATE3 = '82ad56cb';
const WORD = 64;
const ZEROS = '0'.repeat(WORD);
const ADDRESS_PADDING = ZEROS.slice(40);

export interface AggregateCall extends Call {
  /** Its failure undoes everything. */
  readonly required?: boolean;
}

/** Many calls as one (Multicall3 `aggregate3`); the failure of one that is not required leaves the others standing. */
export function aggregate(calls: readonly AggregateCall[]): Call {
  const members = calls.map(({ to, data, required }) => {
    return ADDRESS_PADDING + to.slice(2) + word(required ? 0 : 1) + word(96) + bytes(data);
  });
  return { to: MULTICALL3, data: `0x${AGGREGATE3}${word(32)}${array(members)}` };
}

/** Calls as they go in one transaction: one as it is, several together. */
export function asOneCall(calls: readonly AggregateCall[]): Call {
  const [only] = calls;
  return only && calls.length === 1 ? { to: only.to, data: only.data } : aggregate(calls);
}

/** The results inside the response to {@link aggregate}. */
export function readResults(response: Hex): CallResult[] {
  return readArray(response, 2, 0).map((at) => ({
    success: wordAt(response, at) !== 0,
    data: readBytes(response, at, 1),
  }));
}

/** The calls inside the data made by {@link aggregate}. */
export function readCalls(data: Hex): Call[] {
  const start = 2 + AGGREGATE3.length;
  return readArray(data, start, 0).map((at) => ({
    to: `0x${textAt(data, at).slice(24)}` as Address,
    data: readBytes(data, at, 2),
  }));
}

/** The response that carries these results. */
export function writeResults(results: readonly CallResult[]): Hex {
  const members = results.map(({ success, data }) => word(success ? 1 : 0) + word(64) + bytes(data));
  return `0x${word(32)}${array(members)}`;
}

function word(value: number): string {
  return value.toString(16).padStart(WORD, '0');
}

function bytes(data: Hex): string {
  const digits = data.length - 2;
  return word(digits / 2) + data.slice(2) + ZEROS.slice(0, (WORD - (digits % WORD)) % WORD);
}

/** Members of varying size: their number, where each starts, and they themselves. */
function array(members: readonly string[]): string {
  let offset = members.length * 32;
  const offsets = members.map((member) => {
    const start = word(offset);
    offset += member.length / 2;
    return start;
  });
  return [word(members.length), ...offsets, ...members].join('');
}

// Reading. `at` counts characters; offsets inside the data count bytes from the start of what holds them.

function textAt(data: Hex, at: number): string {
  const text = data.slice(at, at + WORD);
  if (text.length < WORD) throw new Error('The response of Multicall3 is cut off.');
  return text;
}

function wordAt(data: Hex, at: number): number {
  return Number.parseInt(textAt(data, at), 16);
}

function readArray(data: Hex, start: number, argument: number): number[] {
  const at = start + wordAt(data, start + argument * WORD) * 2;
  const first = at + WORD;
  const count = wordAt(data, at);
  if (count * WORD > data.length) throw new Error('The response of Multicall3 is cut off.');
  return Array.from({ length: count }, (_, i) => first + wordAt(data, first + i * WORD) * 2);
}

function readBytes(data: Hex, tuple: number, member: number): Hex {
  const at = tuple + wordAt(data, tuple + member * WORD) * 2;
  const end = at + WORD + wordAt(data, at) * 2;
  if (end > data.length) throw new Error('The response of Multicall3 is cut off.');
  return `0x${data.slice(at + WORD, end)}`;
}
