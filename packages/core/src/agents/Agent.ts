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
  /** The user whose agent it is: sets its limits and sees what it spends. Null: nobody's. */
  readonly ownerId: string | null;
  /** Since when it spends nothing more. */
  readonly archivedAt: Date | null;
  readonly createdAt: Date;
}
