/** Stands for a text that is known at each request only. Options cannot hold it: they have no control characters. */
export const SLOT = '\u0000';

/** JSON text with slots, split once; the texts given fill the slots in their order. */
export function spliced(value: unknown): (texts: readonly string[]) => string {
  const [start, ...parts] = JSON.stringify(value).split(JSON.stringify(SLOT)) as [string, ...string[]];
  return (texts) => {
    let text = start;
    for (let index = 0; index < parts.length; index++) text += JSON.stringify(texts[index]) + parts[index];
    return text;
  };
}

/** Stands for the name of an offer, as {@link SLOT} does for other texts. */
export const NAME = '\u0001';

/**
 * JSON text in base64, all of it encoded once but for the names in it: blanks before a name let it begin where its encoding does not depend
 * on what is around it. Names are as long as a whole number of groups.
 */
export function named(text: string): (writtenName: string) => string {
  const parts = text.split(JSON.stringify(NAME));
  const encoded = parts.map((part, index) => {
    const after = index === 0 ? part : `"${part}`;
    if (index === parts.length - 1) return base64(after);
    const blanks = (3 - ((Buffer.byteLength(after) + 1) % 3)) % 3;
    return base64(`${after}${' '.repeat(blanks)}"`);
  });
  return (writtenName) => encoded.join(writtenName);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without its undefined members. */
export function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
