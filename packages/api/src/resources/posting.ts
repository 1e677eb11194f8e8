import * as z from 'zod';
import { decimalAmount } from './amount.js';

/** One line of an entry in the books: what is taken from an account (debit) or given to it (credit). */
export const posting = z.object({
  account: z.string(),
  asset: z.string(),
  side: z.enum(['debit', 'credit']),
  amount: decimalAmount,
});
