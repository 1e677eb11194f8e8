import { isCode, isShipped, isTest } from './sources.js';

/** Text that must not stand in some files, and what to write instead. */
export interface Ban {
  readonly name: string;
  readonly pattern: RegExp;
  readonly instead: string;
  readonly where: (path: string) => boolean;
  /** Lines that the pattern must catch, and lines it must let pass. */
  readonly catches: readonly string[];
  readonly passes: readonly string[];
}

/** Shipped source outside primitives, where time and randomness come in as arguments. */
const injected = (path: string) => isShipped(path) && !path.startsWith('packages/primitives/');

const printsByTrade = (path: string) =>
  /^packages\/([^/]+\/src\/(bin\.ts|bin\/)|dev\/src\/dev\.ts)/.test(path);

const everywhere = () => true;

export const bans: readonly Ban[] = [
  {
    name: 'Date.now',
    pattern: /\bDate\.now\b/,
    instead: 'clock.now() of a Clock that came in as an argument',
    where: injected,
    catches: ['const t = Date.now();', 'clock = Date.now'],
    passes: ['const t = clock.now();'],
  },
  {
    name: 'new Date() without argument',
    pattern: /\bnew Date\(\s*\)|(?<!new )\bDate\(\s*\)/,
    instead: 'new Date(clock.now())',
    where: injected,
    catches: ['return new Date();', 'return Date()'],
    passes: ['return new Date(clock.now());', 'toDate()'],
  },
  {
    name: 'Math.random',
    pattern: /\bMath\.random\b/,
    instead: 'random.bytes() of a Random that came in as an argument',
    where: injected,
    catches: ['Math.random()'],
    passes: ['random.bytes(8)'],
  },
  {
    name: 'bare timers',
    pattern:
      /(?:^|[^.\w]|\bglobalThis\.)set(?:Timeout|Interval|Immediate)\b\s*[(<,)]|['"](?:node:)?timers(?:\/promises)?['"]/,
    instead: 'clock.timer() or sleep(clock, ms)',
    where: injected,
    catches: [
      'setTimeout(fn, 5);',
      '  const t = setInterval(tick, 1000)',
      'globalThis.setTimeout(f)',
      "from 'node:timers/promises'",
    ],
    passes: ['socket.setTimeout(5)', 'clock.timer(5, fn)', 'clearTimeout(t)'],
  },
  {
    name: 'printing to stdout',
    pattern: /^(?! \* ).*\bconsole\.(?:log|info|debug|table|dir)\b/,
    instead: 'the log function or logger that came in as an argument',
    where: (path) => isShipped(path) && !printsByTrade(path),
    catches: ['console.log(1)', 'log = console.info'],
    passes: ['log.info(1)', ' * console.log(1); // of an example'],
  },
  {
    name: 'bounds of text in numbers',
    pattern: /\b(?:lines?|searchText)\(\s*\d/,
    instead: 'a bound of textBounds of primitives, which core checks by as well',
    where: (path) => path.startsWith('packages/api/src/'),
    catches: ['name: line(64),', 'lines(20_000)', 'q: searchText(200)'],
    passes: ['line(textBounds.name)', 'underline(3)', 'line(maxLength: number)'],
  },
  {
    name: 'names that nobody searches for',
    pattern: /\b(?:\w*[Ss]urroundings|patiently|inSets|inSlots|turnstile|Tender)\b|\bremembered\(/,
    instead: 'dependencies, withTimeout, a batch loader, limitConcurrency, a payment option, memoize',
    where: isShipped,
    catches: ['interface Surroundings {', 'remembered(10, read)'],
    passes: ['memoize(10, read)', 'keys that are remembered'],
  },
  {
    name: 'answer for a response',
    pattern: /\b(?:interface|type|class) \w*Answer\b|\b(?:[Ll]ost|[Nn]o|usable) answers?\b/,
    instead: 'response',
    where: isShipped,
    catches: ['interface HttpAnswer {', '// a lost answer', 'gives no usable answer'],
    passes: ['a server answers 402', 'interface AnsweredChallenge {'],
  },
  {
    name: 'unfinished work',
    pattern: /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/,
    instead: 'the work itself, or a sentence under Limits in the README of the package',
    where: everywhere,
    catches: ['// TO' + 'DO: later', 'FIX' + 'ME'],
    passes: ['toDoList', 'XXXL'],
  },
  {
    name: 'tests that are left out, singled out or retried',
    pattern:
      /\b(?:describe|it|test)\.(?:only|skip|todo)\b|\bx(?:it|test|describe)\(|\bf(?:it|describe)\(|\bretryTimes\b/,
    instead: 'a test that runs, and the cause of the failure found',
    where: (path) => isCode(path),
    catches: [
      'it.' + 'only(',
      'describe.' + 'skip(',
      'x' + 'it(',
      'test.' + 'todo(',
      'jest.retry' + 'Times(3)',
    ],
    passes: ['it.each(', 'describe(', 'exit(', 'profit('],
  },
  {
    name: 'paths of one machine',
    pattern: /(?:^|[\s'"`(=:])\/(?:work|root|farm|home|Users)\/\w/,
    instead: 'a path from the root of the repository',
    where: (path) => path !== 'pnpm-lock.yaml',
    catches: ['see /wo' + 'rk/main', "'/ro" + "ot/x'", '/ho' + 'me/me'],
    passes: ['/v1/wor' + 'k/x', 'packages/root/x', 'https://example.com/home/x'],
  },
  {
    name: 'package registries',
    pattern:
      /https?:\/\/[^\s'"`)]*\b(?:registry|npmmirror|artifactory|verdaccio|nexus)\b|^\s*tarball:|\{tarball:|\bregistry\s*=\s*http/,
    instead: 'nothing: the registry is a setting of the machine',
    where: everywhere,
    catches: ['https://regi' + 'stry.example.org/x', '    tar' + 'ball: file.tgz', 'regi' + 'stry=https://x'],
    passes: ['https://example.org/the-page', 'the registry of services'],
  },
  {
    name: 'random data in tests without a seed',
    pattern: /\bMath\.random\b/,
    instead: 'fast-check, which prints its seed, or randomBytes for names',
    where: isTest,
    catches: ['Math.random()'],
    passes: ['fc.integer()'],
  },
];
