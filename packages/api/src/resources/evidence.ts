import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { line } from './values.js';

/** Evidence as it is given to a dispute: text or base64. */
export const givenEvidence = z.object({
  type: line(textBounds.evidenceType),
  content: z
    .string({ error: 'must be text' })
    .min(1, 'must not be empty')
    .max(textBounds.evidence, 'is too long'),
});
