import { AgentPayError } from '@agentpay/primitives';
import { mpp } from '@agentpay/protocol';
import type { RequestContext } from './RequestContext.js';

/** What a request header holds; an empty one is as good as none. @throws AgentPayError `payment_ambiguous` when it says several things */
export function headerText({ req }: Pick<RequestContext, 'req'>, name: string): string | undefined {
  const values = req.headersDistinct[name.toLowerCase()];
  // Several Authorization lines are one list, in which other schemes may stand beside the credential.
  if (name === mpp.AUTHORIZATION) return values?.join(', ');
  const texts = new Set(values?.map((value) => value.trim()).filter(Boolean));
  if (texts.size > 1) throw new AgentPayError('payment_ambiguous', `The request repeats the header ${name}.`);
  return [...texts][0];
}
