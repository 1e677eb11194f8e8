import { AgentPayError } from '@agentpay/primitives';
import type { Command } from './Command.js';
import type { Want } from './Entity.js';
import { keyText, NotLoaded } from './Scene.js';
import type { OpenScene } from './Scene.js';

/** A command whose caller waits. */
export interface Waiting {
  readonly command: Command<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Batches with it that failed. */
  failures: number;
}

/** What became of the commands of a batch. */
export interface BatchOutcome {
  readonly done: { readonly waiting: Waiting; readonly value: unknown; readonly wrote: boolean }[];
  readonly refused: { readonly waiting: Waiting; readonly error: unknown }[];
  /** They need rows that other transactions hold. */
  readonly busy: Waiting[];
}

/** Rounds in which a decision may find out what else it needs. */
const MAX_ROUNDS = 8;

/** Lets every command decide, in order; those that ask for rows which are not there decide again once these are loaded. */
export async function decideAll(
  scene: OpenScene,
  all: readonly Waiting[],
  load: (wants: readonly Want[]) => Promise<readonly Want[]>,
): Promise<BatchOutcome> {
  const outcome: BatchOutcome = { done: [], refused: [], busy: [] };
  const held = new Set<string>();
  const hold = (wants: readonly Want[]) => wants.forEach((want) => held.add(nameOf(want)));
  hold(await load(all.flatMap(({ command }) => command.wants)));
  let waiting = all;
  for (let round = 0; waiting.length > 0; round++) {
    const missing: Want[] = [];
    const next: Waiting[] = [];
    for (const one of waiting) {
      try {
        const value = scene.attempt(() => one.command.decide(scene));
        outcome.done.push({ waiting: one, value, wrote: scene.wrote() });
      } catch (error) {
        if (!(error instanceof NotLoaded)) outcome.refused.push({ waiting: one, error });
        else if (held.has(nameOf([error.entity, error.key]))) outcome.busy.push(one);
        else if (round === MAX_ROUNDS) outcome.refused.push({ waiting: one, error: endless(error) });
        else {
          missing.push([error.entity, error.key]);
          next.push(one);
        }
      }
    }
    if (missing.length > 0) hold(await load(missing));
    waiting = next;
  }
  return outcome;
}

function nameOf([entity, key]: Want): string {
  return `${entity.table.name} ${keyText(key)}`;
}

function endless({ entity, key }: NotLoaded): AgentPayError {
  const last = nameOf([entity, key]);
  return new AgentPayError('internal_error', `A command asks for rows without end: ${last}.`);
}
