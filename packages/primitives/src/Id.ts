import type { Clock } from './Clock.js';
import type { Random } from './Random.js';
import { remembered } from './remembered.js';

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

/** A new id: prefix, 48 bits of milliseconds and 80 random bits in lower-case Crockford base 32, so that ids sort by time. */
export function newId(kind: IdKind, source: { clock: Clock; random: Random }): string {
  let text = idPrefixes[kind] + timeText(source.clock.now());
  // Five bits of sixteen bytes: what is left over costs nothing.
  const bytes = source.random.bytes(RANDOM_DIGITS);
  for (let i = 0; i < RANDOM_DIGITS; i += 2)
    text += PAIRS[32 * ((bytes[i] as number) & 31) + ((bytes[i + 1] as number) & 31)];
  return text;
}

/** Ids come in bursts: those of one millisecond share its text. */
const timeText = remembered(1, (ms: number) => {
  let text = '';
  for (let rest = ms, i = 0; i < TIME_DIGITS; i++, rest = Math.floor(rest / 32))
    text = `${DIGITS[rest % 32]}${text}`;
  return text;
});

/** Whether the text has the shape of an id of this kind. Says nothing about existence. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = idPrefixes[kind];
  return text.startsWith(prefix) && /^[0-9a-z]{26}$/.test(text.slice(prefix.length));
}
