import { CommandFault } from '@agentpay/http/commands';

/** Something about the local stack that its user can put right: one sentence for the terminal, no stack trace. */
export class DevFault extends CommandFault {
  override readonly name = 'DevFault';
  /** @param usage whether a flag, port or folder that was given is at fault */
  constructor(message: string, usage = false) {
    super(usage ? 'usage' : 'local_stack_failed', message, { exitCode: usage ? 2 : 1 });
  }
}
