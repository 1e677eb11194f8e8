import * as z from 'zod';
import { parseShape } from '../encoding/Json.js';

/** Name of the extension by which a payer names its payment. */
export const PAYMENT_IDENTIFIER = 'payment-identifier';

const echoSchema = z.object({
  info: z.object({
    id: z
      .string()
      .regex(/^[A-Za-z0-9_-]{16,128}$/, 'must be 16 to 128 of A-Z, a-z, 0-9, _ and -')
      .nullish(),
  }),
});

/** What a seller declares in its 402. */
export function paymentIdentifierDeclaration(required: boolean) {
  return {
    info: { required },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        required: { type: 'boolean' },
        id: { type: 'string', minLength: 16, maxLength: 128, pattern: '^[a-zA-Z0-9_-]+$' },
      },
      required: ['required'],
    },
  };
}

/** The id that a payer gave its payment; undefined when it gave none. @throws AgentPayError `payment_malformed` */
export function readPaymentIdentifier(
  extensions: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  const echo = extensions?.[PAYMENT_IDENTIFIER] ?? undefined;
  return echo === undefined
    ? undefined
    : (parseShape(echoSchema, echo, 'payment identifier').info.id ?? undefined);
}
