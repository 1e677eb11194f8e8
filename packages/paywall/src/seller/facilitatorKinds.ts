import { AgentPayError, type Clock } from '@agentpay/primitives';
import {
  checksumAddress,
  uptoExtraSchema,
  type Address,
  type Facilitator,
  type SupportedResponse,
} from '@agentpay/protocol';
import { holdTermsIn, type HoldTerms } from './HoldTerms.js';
import type { PaymentOption } from './PaymentOption.js';

/** How long a facilitator's word on what it supports counts before it is asked again, in ms. */
const FRESH_MS = 60_000;

type Asked = Pick<PaymentOption, 'facilitator' | 'network'>;

/**
 * What payers have to name, which only the facilitator of a payment option can tell. While it is being asked again, and while it is away,
 * its last word counts.
 */
export interface FacilitatorKinds {
  /**
   * The account that permits of scheme `upto` name, since only that one may settle them.
   * @throws AgentPayError `facilitator_unavailable`, also when the facilitator does not settle the scheme
   */
  uptoAccount(option: Asked): Promise<Address>;
  /** The terms of holds. @throws as {@link FacilitatorKinds.uptoAccount} does */
  holdTerms(option: Asked): Promise<HoldTerms>;
}

/** @param holdSigner the seller's own authorizer of holds */
export function facilitatorKinds(clock: Clock, holdSigner: Address | undefined): FacilitatorKinds {
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

  async function kindOf({ facilitator, network }: Asked, wanted: string) {
    const { kinds } = await supportedBy(facilitator);
    return kinds.find(
      ({ x402Version, scheme, network: id }) => x402Version === 2 && scheme === wanted && id === network.id,
    );
  }

  return {
    async uptoAccount(option) {
      const extra = uptoExtraSchema.safeParse((await kindOf(option, 'upto'))?.extra);
      if (extra.success) return checksumAddress(extra.data.facilitatorAddress);
      throw new AgentPayError(
        'facilitator_unavailable',
        'The facilitator settles no payments up to a ceiling.',
        { retryAfter: 60 },
      );
    },
    holdTerms: async (option) => holdTermsIn(await kindOf(option, 'auth-capture'), clock, holdSigner),
  };
}
