import { afterThisTurn } from '@agentpay/primitives';

/**
 * Lets at most `most` callers go on in one turn of the event loop, first come, first served. When hundreds arrive at once, the first
 * of them are at the database and at the node while the rest is still being looked at, instead of all of them afterwards.
 */
export function limitPerTurn(most: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  let passed = 0;

  function nextTurn(): void {
    passed = 0;
    while (waiting.length > 0 && passed < most) pass(waiting.shift() as () => void);
  }

  function pass(goOn: () => void): void {
    passed += 1;
    if (passed === 1) afterThisTurn(nextTurn);
    goOn();
  }

  return () =>
    new Promise((resolve) => {
      if (passed < most) pass(resolve);
      else waiting.push(resolve);
    });
}
