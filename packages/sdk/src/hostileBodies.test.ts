import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What each place makes of each body, in this order. */
const columns = [
  'a 402 with offers in its headers',
  'a 402 without',
  'a refusal',
  'a paid response',
  'the API client',
];
const bought = '200, body';
const refused = 'payment_refused';
const table: readonly (readonly [harm: string, ...outcomes: readonly string[]])[] = [
  ['too long', bought, '402, long body', refused, '200, long body', 'outcome_unknown'],
  ['a gzip bomb', bought, '402, long body', refused, '200, long body', 'outcome_unknown'],
  ['no gzip', bought, '402, body that fails', refused, 'payment_unresolved', 'outcome_unknown'],
  ['dripping', bought, '402, body that fails', refused, 'payment_unresolved', 'outcome_unknown'],
  ['broken off', bought, '402, body that fails', refused, 'payment_unresolved', 'outcome_unknown'],
  ['never ending', bought, '402, body without end', refused, '200, body without end', 'outcome_unknown'],
  ['left by the buyer', 'AbortError', 'AbortError', 'AbortError', 'AbortError', 'outcome_unknown'],
];
const cells = table.flatMap(([harm, ...outcomes]) =>
  outcomes.map((outcome, i) => [columns[i] as string, harm, outcome] as const),
);

let outcomes: Map<string, string>;
let exitCode: number | null;
let complaints = '';

beforeAll(async () => {
  const program = fileURLToPath(new URL('./hostileBodies.test.support.js', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  child.stderr.on('data', (chunk) => (complaints += String(chunk)));
  [exitCode] = (await once(child, 'close')) as [number | null];
  const lines = printed.split('\n').filter((line) => line !== '');
  outcomes = new Map(
    lines
      .map((line) => JSON.parse(line) as Record<'place' | 'harm' | 'outcome', string>)
      .map(({ place, harm, outcome }) => [`${place}, ${harm}`, outcome]),
  );
}, 300_000);

describe('no body hangs the buyer, nor ends its process', () => {
  it('the program that met them all ends by itself, without an error that nobody handled', () => {
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: '' });
    expect(outcomes.size).toBe(cells.length);
  });

  it.each(cells)('%s, %s: %s', (place, harm, outcome) => {
    expect(outcomes.get(`${place}, ${harm}`)).toBe(outcome);
  });
});
