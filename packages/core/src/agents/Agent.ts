/** A program that buys and sells. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  /** Who runs it, by its own word: a label, which opens nothing. */
  readonly operator: string | null;
  /**
   * Agents of one group see each other's names, and nothing else. Whoever is made with the key of an agent is of its group; the id of the
   * agent that began it, or `operator:` and the operator's name where the operator of the platform vouched for it.
   */
  readonly groupId: string;
  readonly createdAt: Date;
}
