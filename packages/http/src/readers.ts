import { z } from 'zod';

// What is wrong with a value is the end of a sentence that begins with the name of the variable.

/** A whole number in digits. */
export function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, error)
    .transform(Number)
    .pipe(z.number().min(min, error).max(max, error));
}

/** A port; 0: any free one. */
export const port = whole(0, 65_535);

/** The name or address to listen on. */
export const hostName = z.string().regex(/^[\w.:-]+$/, 'must be a host name or an address');

/** @param protocols such as "https:" */
export function urlOf(...protocols: readonly string[]) {
  const shown = protocols.map((protocol) => `${protocol}//`).join(' or ');
  const matches = (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
  return z.string().refine(matches, `must be a URL that starts with ${shown}`);
}

/** A text with a check of its own, which gives the end of the sentence or undefined. */
export function checked(faultIn: (value: string) => string | undefined) {
  return z.string().superRefine((value, context) => {
    const message = faultIn(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

/** A text that nobody guesses. */
export const secret = z
  .string()
  .min(32, 'must have at least 32 characters')
  .refine(
    (value) => !/replace-with|changeme|change-me/i.test(value),
    'is still the placeholder of an example',
  )
  .refine((value) => new Set(value).size >= 8, 'is too uniform to be a secret')
  .refine((value) => !isGuessable(value), 'is too easy to guess; give random characters');

/** Made of a word that people use, or of one part over and over. */
function isGuessable(value: string): boolean {
  if (/passw[o0]rd|passphrase|qwerty/i.test(value)) return true;
  const parts = Array.from({ length: Math.floor(value.length / 2) }, (_, i) => value.slice(0, i + 1));
  return parts.some((part) => part.repeat(Math.ceil(value.length / part.length)).startsWith(value));
}

/** Secrets that are one and the same: a sentence for each pair. Whoever learns one of them has the other. */
export function sharedSecrets(values: Readonly<Record<string, string | undefined>>): string[] {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.flatMap(([name, value], i) => {
    const earlier = given.slice(0, i).find(([, other]) => other === value);
    return earlier ? [`${earlier[0]} and ${name} hold the same secret; give each its own.`] : [];
  });
}

export const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((value) => value === 'true');

/** Parts between commas, without blanks around them and without empty ones. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** Secrets between commas: as a key is rotated it is listed beside the one that takes its place. */
export const secretList = list.pipe(z.array(secret).max(10, 'must list at most 10 secrets'));

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
  error: 'must be a pino level',
});
