import { isAgentPayError } from '@agentpay/primitives';
import fc from 'fast-check';

/** The kind of error that a call is refused with; undefined: it is not refused. */
export async function kindOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (isAgentPayError(error)) return error.kind;
    throw error;
  }
}

/** Something that can be done to the model and to the real thing. */
export function command<Model extends object, Real>(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): fc.AsyncCommand<Model, Real> {
  return { check, run, toString: () => name };
}

/**
 * Plays random sequences of commands, each on a pair of its own, and has `finish` look at what it left behind. A sequence that fails is
 * made shorter: `setUp` must not meet its leftovers.
 */
export async function playSequences<Model extends object, Real>(
  commands: readonly fc.Arbitrary<fc.AsyncCommand<Model, Real>>[],
  {
    setUp,
    finish,
    runs,
    length = 40,
  }: {
    setUp: () => Promise<{ model: Model; real: Real }>;
    finish: (model: Model, real: Real) => Promise<void>;
    runs: number;
    length?: number;
  },
): Promise<void> {
  const sequences = fc.commands([...commands], { maxCommands: length, size: 'max' });
  await fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      const pair = await setUp();
      await fc.asyncModelRun(() => pair, sequence);
      await finish(pair.model, pair.real);
    }),
    { numRuns: runs },
  );
}
