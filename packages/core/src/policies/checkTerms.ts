import { AgentPayError, MAX_AMOUNT, numberBounds, textBounds } from '@agentpay/primitives';
import type { RuleTerms, Weekday } from './Rule.js';

const WEEKDAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** @throws AgentPayError `invalid_request` or `invalid_amount` for terms that make no rule */
export function checkTerms(terms: RuleTerms): void {
  if ('amount' in terms && (terms.amount < 0n || terms.amount > MAX_AMOUNT))
    throw new AgentPayError('invalid_amount', 'The amount is not within the limit.', { param: 'amount' });
  switch (terms.kind) {
    case 'allowlist':
      return checkNames('sellers', terms.sellers);
    case 'categories':
      return checkNames('categories', terms.categories);
    case 'rail':
      return checkNames('rails', terms.rails);
    case 'per_seller_cap':
      return terms.seller === undefined ? undefined : checkNames('seller', [terms.seller]);
    case 'time_restriction': {
      if (!isTimeZone(terms.timeZone))
        throw refuse('timeZone', 'is not the name of a time zone such as Europe/Berlin');
      const { hours, days } = terms;
      if (hours && !(isTime(hours.from) && isTime(hours.to)))
        throw refuse('hours', 'are not times such as 09:30');
      if (days && (days.length === 0 || !days.every((day) => WEEKDAYS.includes(day))))
        throw refuse('days', 'are not days such as mon');
      if (!hours && !days) throw refuse('hours', 'or days must be given');
      return undefined;
    }
    default:
      return undefined;
  }
}

function checkNames(param: string, names: readonly string[]): void {
  const fits = (name: string) => name.length > 0 && name.length <= textBounds.ruleName;
  if (names.length === 0 || names.length > numberBounds.ruleNames || !names.every(fits))
    throw refuse(
      param,
      `must have 1 to ${numberBounds.ruleNames} names of 1 to ${textBounds.ruleName} characters`,
    );
}

function isTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(text);
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function refuse(param: string, why: string): AgentPayError {
  return new AgentPayError('invalid_request', `${param} ${why}.`, { param });
}
