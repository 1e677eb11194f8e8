/** Something about the local stack that its user can put right: one sentence for the terminal, no stack trace. */
export class DevFault extends Error {
  override readonly name = 'DevFault';
  /** @param usage whether a flag, port or folder that was given is at fault */
  constructor(
    message: string,
    readonly usage = false,
  ) {
    super(message);
  }
}
