/** The function with its results kept, of at most `max` keys at a time: for what the same few are asked for again and again. */
export function memoize<R, K extends string | number = string>(
  max: number,
  work: (key: K) => R,
): (key: K) => R {
  const results = new Map<K, R>();
  return (key) => {
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = work(key);
    // Whoever asks for ever new keys gains nothing by it and keeps nobody's for long.
    if (results.size >= max) results.clear();
    results.set(key, result);
    return result;
  };
}
