import { AgentPayError, isPlainText, textBounds } from '@agentpay/primitives';

/** Fields of text, as core names them, with the words that errors use for them. */
const shown = {
  name: 'The name',
  email: 'The e-mail address',
  operator: 'The operator',
  category: 'The category',
  description: 'The description',
  url: 'The URL',
  idempotencyKey: 'The idempotency key',
  fundingSource: 'The source',
  externalPayee: 'The external payee',
  reason: 'The reason',
  accountHolder: 'The account holder',
  evidenceType: 'The type of the evidence',
  title: 'The title',
  terms: 'The terms',
  memo: 'The memo',
  note: 'The note',
} as const satisfies { readonly [Field in keyof typeof textBounds]?: string };

type TextField = keyof typeof shown;

/**
 * Text that people read: 1 to as many characters as the field may have, not blank, none of them hidden.
 * @throws AgentPayError `invalid_request`
 */
export function checkText(field: TextField, text: string): string {
  const max = textBounds[field];
  if (text.trim() === '') throw refuse(field, 'is empty');
  if (text.length > max * 2 || [...text].length > max)
    throw refuse(field, `is longer than ${max} characters`);
  if (!isPlainText(text)) throw refuse(field, 'contains control or invisible characters');
  return text;
}

/** {@link checkText} for text of several lines. */
export function checkLines(field: TextField, text: string): string {
  checkText(field, text.replace(/[\r\n\t]/g, ' '));
  return text;
}

/** {@link checkLines} for a field that may be absent. */
export function checkOptionalLines(field: TextField, text: string | undefined): string | null {
  return text === undefined ? null : checkLines(field, text);
}

/** {@link checkText} for a field that may be absent. */
export function checkOptionalText(field: TextField, text: string | undefined): string | null {
  return text === undefined ? null : checkText(field, text);
}

/** @throws AgentPayError `invalid_request` unless the text is a currency code such as USD or USDC. */
export function checkCurrency(text: string): string {
  if (/^[A-Z]{3,5}$/.test(text)) return text;
  throw new AgentPayError('invalid_request', 'The currency is not a code such as USD.', {
    param: 'currency',
  });
}

function refuse(field: TextField, why: string): AgentPayError {
  return new AgentPayError('invalid_request', `${shown[field]} ${why}.`, { param: field });
}
