/** What a simulated history must never show. */
export class Violation extends Error {
  override readonly name = 'Violation';
}
