import { usageFault, type Called } from '@agentpay/http/commands';
import { jsonText } from '../print.js';
import { apiPlace } from './apiPlace.js';
import { recipes } from './recipes.js';
import { triggers } from './triggers.js';

/** `agentpay trigger`: makes an event happen on the local stack. @returns the exit code. @throws CommandFault, ApiError */
export async function trigger({ args: [name = ''], flags, around }: Called): Promise<number> {
  const event = triggers.find((each) => each === name);
  if (event === undefined)
    throw usageFault(
      `There is no way to trigger "${name}"; agentpay trigger --help has those that there are.`,
    );
  const id = await recipes[event](apiPlace(flags, around));
  around.print(flags['json'] ? jsonText({ ok: true, event, id }) : `${event} has happened to ${id}.`);
  return 0;
}
