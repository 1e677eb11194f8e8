import { z } from 'zod';

/** Whose pages may ask and pay: those of every origin, or of the origins listed, such as "https://shop.example". */
export type Cors = boolean | { readonly origins: readonly string[] };

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;
const origin = z
  .string()
  .refine(isOrigin, 'must be an origin such as "https://shop.example", without a path');
const listed = z.strictObject({ origins: z.array(origin).min(1) });
export const corsSchema = z.union([z.boolean(), listed], {
  error: 'must be true or { origins: ["https://shop.example"] }',
});
