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
  rail: 40,
  region: 40,
  certification: 40,
  /** A method of a listing. */
  method: 64,
  version: 64,
  timeZone: 64,
  /** Words that are looked for. */
  search: 200,
  /** What a list is filtered by: an id, or what was done. */
  sought: 64,
  /** Whom or what a rule names: ids, addresses, labels of payees. */
  ruleName: 255,
  /** A piece of evidence, of any number of lines. */
  evidence: 262_144,
  invitation: 200,
  /** What an identity provider sends back: its code and state, who it is, what went wrong, and how. */
  signInCode: 512,
  signInIssuer: 255,
  signInError: 64,
  signInReason: 1024,
} as const;

/** Largest numbers that are accepted. */
export const numberBounds = {
  /** Items of a page unless told, and at most. */
  pageSize: 20,
  pageLimit: 100,
  pageOffset: 1_000_000,
  slaSeconds: 86_400,
  /** Methods of a listing. */
  methods: 100,
  /** Listings of a bundle. */
  bundled: 50,
  /** Names in one rule: payees, categories, rails. */
  ruleNames: 1_000,
  /** Names of events that one webhook wants. */
  webhookEvents: 64,
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
