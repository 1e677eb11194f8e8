import { AgentPayError } from '@agentpay/primitives';

// oxlint-disable-next-line no-control-regex -- these are the characters to refuse
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Text that people read: 1 to `max` characters, not blank, no control characters (PostgreSQL cannot store NUL).
 * @throws AgentPayError `invalid_request`
 */
export function checkText(param: string, text: string, max: number): string {
  if (text.trim() === '') throw refuse(param, 'is empty');
  if (text.length > max * 2 || [...text].length > max)
    throw refuse(param, `is longer than ${max} characters`);
  if (CONTROL.test(text)) throw refuse(param, 'contains control characters');
  return text;
}

/** {@link checkText} for a field that may be absent. */
export function checkOptionalText(param: string, text: string | undefined, max: number): string | null {
  return text === undefined ? null : checkText(param, text, max);
}

/** @throws AgentPayError `invalid_request` unless the text is a currency code such as USD or USDC. */
export function checkCurrency(text: string): string {
  if (!/^[A-Z]{3,5}$/.test(text)) throw refuse('currency', 'is not a code such as USD');
  return text;
}

function refuse(param: string, why: string): AgentPayError {
  return new AgentPayError('invalid_request', `${param} ${why}.`, { param });
}
