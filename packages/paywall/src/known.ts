/** Refuses members that nobody reads, which are nearly always misspelt ones. @throws TypeError with the likely spelling */
export function checkKnown(given: object, known: readonly string[], where: string): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const meant = known.map((option) => ({
      option,
      distance: distance(name.toLowerCase(), option.toLowerCase()),
    }));
    const closest = meant.sort((a, b) => a.distance - b.distance)[0];
    const advice =
      closest && closest.distance <= name.length / 3
        ? `did you mean "${closest.option}"?`
        : `it knows ${known.join(', ')}.`;
    throw new TypeError(`${where}: unknown option "${name}"; ${advice}`);
  }
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
