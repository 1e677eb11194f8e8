/**
 * What to tell about a member that nobody reads, which is nearly always a misspelt one: the likely spelling, or those that there are.
 * Undefined when all are known.
 */
export function unknownOption(
  given: object,
  known: readonly string[],
): { readonly name: string; readonly advice: string } | undefined {
  const name = Object.keys(given).find((member) => !known.includes(member));
  if (name === undefined) return undefined;
  const meant = known.map((option) => ({
    option,
    distance: distance(name.toLowerCase(), option.toLowerCase()),
  }));
  const closest = meant.sort((a, b) => a.distance - b.distance)[0];
  const advice =
    closest && closest.distance <= name.length / 3
      ? `did you mean "${closest.option}"?`
      : `it knows ${known.join(', ')}.`;
  return { name, advice };
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] as number) + (char === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
