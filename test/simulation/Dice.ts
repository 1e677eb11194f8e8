import { seededRandom, type Random } from '@agentpay/primitives';

/** Every choice of one simulated history; the same seed makes the same choices. */
export interface Dice {
  readonly random: Random;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function createDice(seed: number): Dice {
  // Neighbouring seeds are spread apart, so that their histories share nothing.
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
  random.bytes(64);
  const fraction = () => new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
  const between = (min: number, max: number) => min + Math.floor(fraction() * (max - min + 1));
  return {
    random,
    between,
    chance: (probability) => fraction() < probability,
    pick: (items) => items[between(0, items.length - 1)] as never,
  };
}
