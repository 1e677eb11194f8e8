import type { Want } from './Entity.js';
import type { Scene } from './Scene.js';

/** Something that a caller wants done. */
export interface Command<Result> {
  /** The rows that it will ask for, as far as they are known beforehand. */
  readonly wants: readonly Want[];
  /** What it may have to wait for when others hold it: a wallet's id, a token's id. */
  readonly lane: string;
  /**
   * Decides by the rows of the scene and writes to it. Pure: it may run several times. What it throws is its caller's answer, and
   * then nothing of it is written.
   */
  decide(scene: Scene): Result;
}
