import type { Random } from '@agentpay/primitives';
import { bytesToHex } from '@agentpay/protocol';

/** A key under which a call of the API is carried out once, however often it is sent. */
export function newIdempotencyKey(random: Random): string {
  return `ts-${bytesToHex(random.bytes(16)).slice(2)}`;
}
