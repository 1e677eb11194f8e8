/** The function with its results kept, of at most `max` texts at a time: for what the same few texts are asked for again and again. */
export function remembered<R>(max: number, work: (text: string) => R): (text: string) => R {
  const results = new Map<string, R>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = work(text);
    // Whoever asks for ever new texts gains nothing by it and keeps nobody's for long.
    if (results.size >= max) results.clear();
    results.set(text, result);
    return result;
  };
}
