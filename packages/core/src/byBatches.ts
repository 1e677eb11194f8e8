/**
 * Works in batches of `limit` until one finds less than it might, or `most` are done: what is left waits for the next run of a job.
 * Gives how many were worked in all.
 */
export async function byBatches(
  limit: number,
  work: (limit: number) => Promise<number>,
  most = 100,
): Promise<number> {
  let all = 0;
  for (let n = 0; n < most; n++) {
    const worked = await work(limit);
    all += worked;
    if (worked < limit) break;
  }
  return all;
}
