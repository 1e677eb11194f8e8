/** A program that buys and sells. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  /** Who runs it, by its own word: lets agents of one operator see each other's names, and nothing else. */
  readonly operator: string | null;
  readonly createdAt: Date;
}
