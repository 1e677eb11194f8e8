import { keyedHash } from '../keyedHash.js';
import { linesText } from './Journal.js';
import type { Journal } from './Journal.js';

/**
 * Journals stand in chains: each carries a keyed hash of itself and of the one before, so nothing can be put in, changed or taken
 * out between two of them without the key. A chain has one writer at a time; there are as many chains as there were writers at once.
 */
export interface JournalChain {
  readonly id: number;
  /** Journals in it. */
  readonly length: bigint;
  /** Hash of the last one; empty for an empty chain. */
  readonly head: string;
}

/** The place of a journal. */
export interface JournalPlace {
  /** chain * 2^40 + position, from 1. */
  readonly number: bigint;
  readonly hash: string;
}

const POSITION_BITS = 40n;

/** Puts a journal at the end of a chain. */
export function append(
  chain: JournalChain,
  journal: Journal,
  key: string,
): { chain: JournalChain; place: JournalPlace } {
  const length = chain.length + 1n;
  const number = numberOf(chain.id, length);
  const hash = hashOf(journal, { number, before: chain.head }, key);
  return { chain: { id: chain.id, length, head: hash }, place: { number, hash } };
}

/** The number of a chain's journal at a position. */
export function numberOf(chainId: number, position: bigint): bigint {
  return (BigInt(chainId) << POSITION_BITS) + position;
}

/** HMAC-SHA256 of a journal and of the hash before it. */
export function hashOf(
  { id, key: event, kind, createdAt, postings }: Journal,
  { number, before }: { readonly number: bigint; readonly before: string },
  key: string,
): string {
  const head = `ledger\n${before}\n${number}\n${id}\n${event}\n${kind}\n${createdAt.getTime()}`;
  return keyedHash(key, `${head}\n${linesText(postings)}`, 'base64');
}
