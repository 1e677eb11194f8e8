import { findNetwork } from '@agentpay/primitives';
import type { SupportedResponse } from '@agentpay/protocol';
import type { PaymentOption } from './PaymentOption.js';

type Checked = Pick<PaymentOption, 'facilitator' | 'facilitatorName' | 'network'>;

/** What is wrong with the facilitators of these paymentOptions, a line for each; nothing when they settle what is sold. Never rejects. */
export async function facilitatorFaults(paymentOptions: Iterable<Checked>): Promise<readonly string[]> {
  const distinct = new Map<string, Checked>();
  for (const option of paymentOptions) distinct.set(`${option.facilitatorName} ${option.network.id}`, option);
  const faults = await Promise.all([...distinct.values()].map(faultOf));
  return [...new Set(faults.filter((fault) => fault !== undefined))];
}

async function faultOf({ facilitator, facilitatorName, network }: Checked): Promise<string | undefined> {
  try {
    const { kinds } = await facilitator.supported();
    if (kinds.some((kind) => findNetwork(kind.network)?.id === network.id)) return undefined;
    return `${facilitatorName} does not settle on ${network.id} (${network.name}). ${settledBy(kinds)}`;
  } catch (error) {
    return `${facilitatorName} does not say what it settles: ${whyNot(error)}`;
  }
}

function settledBy(kinds: SupportedResponse['kinds']): string {
  const networks = [...new Set(kinds.map(({ network }) => network))].slice(0, 10);
  return networks.length === 0 ? 'It settles nothing.' : `It settles on ${networks.join(', ')}.`;
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host; look at the spelling.',
  EAI_AGAIN: 'its host cannot be looked up at the moment.',
  ECONNREFUSED: 'nothing listens there; is it running, and on this port?',
  ECONNRESET: 'it hangs up; is it http or https?',
  EPROTO: 'it does not speak TLS; is it http?',
  ERR_NO_CONNECTION: 'no connection comes about; is a firewall in between?',
};

/** The reason, with what the seller can do about it. */
export function whyNot(error: unknown): string {
  for (let cause: unknown = error; cause instanceof Error || isErrorLike(cause); cause = cause.cause) {
    const { code, status, message } = cause as ErrorLike;
    if (code !== undefined && ADVICE[code] !== undefined) return ADVICE[code];
    if (cause.cause === undefined) return `${message}${adviceOn(status)}`;
  }
  return String(error);
}

interface ErrorLike {
  readonly message: string;
  readonly cause?: unknown;
  readonly code?: string;
  readonly status?: number;
}

/** Errors of Node may be of another realm. */
function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && 'message' in value;
}

function adviceOn(status: number | undefined): string {
  if (status === undefined) return '';
  if (status === 401 || status === 403) return ' It wants a key.';
  if (status === 404 || status === 405)
    return ' Is the path right? /verify, /settle and /supported are asked below it.';
  return status >= 500 ? ' It is out of order.' : ' Is it a facilitator?';
}
