import { AgentPayError, type Clock } from '@agentpay/primitives';
import {
  checksumAddress,
  uptoExtraSchema,
  type Address,
  type Facilitator,
  type SupportedResponse,
} from '@agentpay/protocol';
import type { PaymentOption } from './PaymentOption.js';

/** How long a facilitator's word on what it supports counts before it is asked again, in ms. */
const FRESH_MS = 60_000;

/**
 * Tells which account a payment option's facilitator wants named in permits of scheme `upto`, since only that one may settle them.
 * While the facilitator is being asked again, and while it is away, its last word counts.
 * @throws AgentPayError `facilitator_unavailable`, also when the facilitator does not settle the scheme
 */
export function uptoAccounts(
  clock: Clock,
): (option: Pick<PaymentOption, 'facilitator' | 'network'>) => Promise<Address> {
  const answers = new WeakMap<
    Facilitator,
    { readonly supported: SupportedResponse; readonly until: number }
  >();
  const questions = new WeakMap<Facilitator, Promise<SupportedResponse>>();

  async function ask(facilitator: Facilitator): Promise<SupportedResponse> {
    try {
      const supported = await facilitator.supported();
      answers.set(facilitator, { supported, until: clock.now() + FRESH_MS });
      return supported;
    } finally {
      questions.delete(facilitator);
    }
  }

  async function supportedBy(facilitator: Facilitator): Promise<SupportedResponse> {
    const last = answers.get(facilitator);
    if (last && clock.now() < last.until) return last.supported;
    const question = questions.get(facilitator) ?? ask(facilitator);
    questions.set(facilitator, question);
    if (!last) return question;
    question.catch(() => undefined);
    return last.supported;
  }

  return async ({ facilitator, network }) => {
    const { kinds } = await supportedBy(facilitator);
    const kind = kinds.find(
      ({ x402Version, scheme, network: id }) => x402Version === 2 && scheme === 'upto' && id === network.id,
    );
    const extra = uptoExtraSchema.safeParse(kind?.extra);
    if (extra.success) return checksumAddress(extra.data.facilitatorAddress);
    throw new AgentPayError(
      'facilitator_unavailable',
      'The facilitator settles no payments up to a ceiling.',
      { retryAfter: 60 },
    );
  };
}
