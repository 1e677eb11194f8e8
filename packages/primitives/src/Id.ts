import type { Clock } from './Clock.js';
import type { Random } from './Random.js';
import { memoize } from './memoize.js';

/** Prefix of every kind of id. An id is resolved inside its own resource only, never by prefix. */
export const idPrefixes = {
  agent: 'agent_',
  wallet: 'wallet_',
  credential: 'key_',
  service: 'svc_',
  token: 'tokid_',
  transaction: 'tx_',
  hold: 'hold_',
  refund: 'rfd_',
  user: 'usr_',
  rule: 'rule_',
  approval: 'apr_',
  audit: 'aud_',
  journal: 'jr_',
  event: 'evt_',
  request: 'req_',
  settlement: 'stl_',
  explorer_session: 'exs_',
  invite: 'exi_',
  webhook: 'wh_',
  delivery: 'whd_',
  dispute: 'disp_',
  payout: 'payout_',
  evidence: 'evd_',
  developer: 'dev_',
  developer_payout: 'po_',
  listing: 'agt_',
  sla_contract: 'sla_',
  gateway: 'gw_',
  funding: 'fund_',
  provision: 'prov_',
  call: 'call_',
  method: 'mth_',
  tool: 'tool_',
  subscription: 'sub_',
  invoice: 'inv_',
  org: 'org_',
  member: 'mem_',
  contract: 'ct_',
  purchase_order: 'po_',
  alert: 'al_',
  private_marketplace: 'pm_',
  policy: 'pol_',
  policy_log: 'plog_',
  invoice_dispute: 'dp_',
  receipt: 'rcpt_',
  bundle: 'bndl_',
  bundle_subscription: 'sub_bndl_',
  authorization: 'auth_',
  grant: 'gr_',
  purchase: 'pur_',
  withdrawal: 'wdr_',
  agreement: 'ua_',
  usage: 'use_',
} as const;

export type IdKind = keyof typeof idPrefixes;

const DIGITS = [...'0123456789abcdefghjkmnpqrstvwxyz'];
const PAIRS = DIGITS.flatMap((first) => DIGITS.map((second) => first + second));
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;
/** Those of the random digits that count on within a millisecond. */
const ORDER_DIGITS = 4;
const ORDERS = 32 ** ORDER_DIGITS;

/**
 * A new id: prefix, 48 bits of milliseconds and 80 random bits in lower-case Crockford base 32. Ids sort by time, and those that one
 * source of randomness gave in one millisecond by the order in which they were made: their first 20 random bits count on.
 */
export function newId(kind: IdKind, { clock, random }: { clock: Clock; random: Random }): string {
  const ms = clock.now();
  // Five bits of sixteen bytes: what is left over costs nothing.
  const bytes = random.bytes(RANDOM_DIGITS);
  let text = idPrefixes[kind] + timeText(ms) + orderText(ms, random, bytes);
  for (let i = ORDER_DIGITS; i < RANDOM_DIGITS; i += 2)
    text += PAIRS[32 * ((bytes[i] as number) & 31) + ((bytes[i + 1] as number) & 31)];
  return text;
}

/** The order of the last id of a source of randomness, and its millisecond. */
const lastOrders = new WeakMap<Random, { ms: number; order: number }>();

function orderText(ms: number, random: Random, bytes: Uint8Array): string {
  let last = lastOrders.get(random);
  if (!last) lastOrders.set(random, (last = { ms: -1, order: 0 }));
  if (last.ms === ms) last.order = (last.order + 1) % ORDERS;
  // Half of all orders are left for those that follow within the millisecond.
  else
    last.order =
      ((bytes[0] as number) * 65_536 + (bytes[1] as number) * 256 + (bytes[2] as number)) % (ORDERS / 2);
  last.ms = ms;
  return `${PAIRS[last.order >> 10]}${PAIRS[last.order & 1023]}`;
}

/** Ids come in bursts: those of one millisecond share its text. */
const timeText = memoize(1, (ms: number) => {
  let text = '';
  for (let rest = ms, i = 0; i < TIME_DIGITS; i++, rest = Math.floor(rest / 32))
    text = `${DIGITS[rest % 32]}${text}`;
  return text;
});

const prefixes = new Set<string>(Object.values(idPrefixes));

/** When an id was made, in milliseconds since the Unix epoch; undefined for what is no id of any kind. */
export function idTime(text: string): number | undefined {
  const start = text.length - TIME_DIGITS - RANDOM_DIGITS;
  if (!prefixes.has(text.slice(0, Math.max(0, start)))) return undefined;
  let ms = 0;
  for (let i = start; i < text.length; i++) {
    const digit = DIGITS.indexOf(text.charAt(i));
    if (digit < 0) return undefined;
    if (i < start + TIME_DIGITS) ms = 32 * ms + digit;
  }
  return ms;
}

/** Whether the text has the shape of an id of this kind. Says nothing about existence. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = idPrefixes[kind];
  return text.startsWith(prefix) && /^[0-9a-z]{26}$/.test(text.slice(prefix.length));
}
