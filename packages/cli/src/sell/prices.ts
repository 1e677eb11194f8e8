import { parsePrice } from '@agentpay/primitives';
import { usageFault } from '@agentpay/http/commands';
import * as z from 'zod';
import { readGiven } from './readGiven.js';

const isPrice = (text: string) => {
  try {
    parsePrice(text);
    return true;
  } catch {
    return false;
  }
};
const price = z.string().refine((text) => isPrice(text), 'must be a price such as "$0.01", or "free"');
const entry = z.union([
  z.literal('free'),
  price,
  z.strictObject({
    price,
    settle: z.enum(['after', 'before', 'optimistic']).exactOptional(),
    description: z.string().max(500).exactOptional(),
    mimeType: z.string().max(200).exactOptional(),
    chargeRedirects: z.boolean().exactOptional(),
  }),
]);
const schema = z.record(z.string(), entry);

/** Prices by "METHOD /path" or "/path", or by the name of a tool. */
export type Prices = z.output<typeof schema>;

const MAX_FILE = 1024 * 1024;
const ROUTE = /^(?:[A-Z]+ )?\/\S*$/;

/** @throws CommandFault naming the file and what is wrong in it */
export function readPrices(file: string, areTools: boolean): Prices {
  let value: unknown;
  try {
    value = JSON.parse(readGiven(file, MAX_FILE));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageFault(`${file} is not JSON: ${error.message}.`);
  }
  const read = schema.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue?.path.map(String).join('.') || 'it';
    throw usageFault(`${file}: ${where} must be a price such as "$0.01", "free", or an object with a price.`);
  }
  const wrong = areTools ? undefined : Object.keys(read.data).find((key) => !ROUTE.test(key));
  if (wrong !== undefined) throw usageFault(`${file}: "${wrong}" must be "/path" or "METHOD /path".`);
  return read.data;
}

/** What an entry costs in words. */
export function priceText(entryOf: Prices[string]): string {
  const text = typeof entryOf === 'string' ? entryOf : entryOf.price;
  return text === 'free' || text.startsWith('$') ? text : `$${text}`;
}
