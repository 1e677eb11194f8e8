/** Longest texts that are accepted, in characters. */
export const textBounds = {
  name: 120,
  email: 254,
  operator: 120,
  category: 60,
  description: 2000,
  url: 2048,
  idempotencyKey: 255,
  fundingSource: 64,
  externalPayee: 120,
  reason: 120,
  accountHolder: 120,
  evidenceType: 60,
  title: 200,
  terms: 20_000,
  memo: 200,
  note: 500,
} as const;

/** Largest numbers that are accepted. */
export const numberBounds = {
  pageLimit: 100,
  pageOffset: 1_000_000,
  slaSeconds: 86_400,
} as const;

/**
 * Whether people see all of the text: no control characters, halves of surrogate pairs, line and paragraph separators, characters of
 * no width, or marks that turn the direction of writing round (Unicode's default ignorable code points and bidirectional controls).
 */
export function isPlainText(text: string): boolean {
  return !HIDDEN.test(text);
}

// Variation selectors are left: emoji are written with them.
const HIDDEN =
  /(?!\p{Variation_Selector})[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u;
