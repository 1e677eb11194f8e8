/** One flag of a command, as help shows it: `--port <number>`, `--json`. */
export interface FlagRow {
  readonly flag: string;
  readonly says: string;
  /** May be given several times; the values come as a list. */
  readonly many?: boolean;
  /** What the value can be, for completion. */
  readonly values?: readonly string[];
}

/** Where a program runs: what it prints to, and what it goes by. */
export interface CommandContext {
  /** Prints a line of the result, to stdout. */
  readonly print: (line: string) => void;
  /** Writes bytes of the result, to stdout; resolves when more may come. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Prints a line for people, to stderr. */
  readonly note: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Working folder. */
  readonly folder: string;
}

/** What a command was called with. */
export interface Called {
  readonly around: CommandContext;
  /** The words that are no flags, in order. */
  readonly args: readonly string[];
  /** By name in camel case: text, `true`, or a list of texts. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** One row of the table from which the command line, its help and its completion are made. */
export interface CommandRow {
  /** Words that name it in the command line of `agentpay`: `ledger verify`. */
  readonly name: string;
  readonly says: string;
  /** As help shows them: `<url>`, `[words...]`. */
  readonly args?: readonly string[];
  /** What the first of them can be, for completion. */
  readonly words?: readonly string[];
  readonly flags?: readonly FlagRow[];
  /** Lines that work as they stand. */
  readonly examples: readonly string[];
  /** Paragraphs at the end of its help. */
  readonly notes?: readonly string[];
  /** @returns the exit code: 0 done, 1 it failed, 2 it was called wrongly */
  run(called: Called): Promise<number>;
}

/** A program: its name, and its commands in the order of help. */
export interface CommandTable {
  readonly name: string;
  /**
   * What of `agentpay` this program is, where it is not all of it: `agentpay-dev` is `agentpay dev`. These words are left out of the names
   * of its commands, and stand for its own name in examples.
   */
  readonly standsFor?: string;
  readonly says: string;
  readonly version: string;
  readonly commands: readonly CommandRow[];
  /** What the words are about that several commands begin with. */
  readonly groups: Readonly<Record<string, string>>;
}

/** Why a command ends without having done what it was to do: one sentence for people, and a code for programs. */
export class CommandFault extends Error {
  override readonly name: string = 'CommandFault';
  readonly code: string;
  /** 2: the call is wrong; 1: everything else. */
  readonly exitCode: 1 | 2;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    { exitCode = 1, details = {}, cause }: { exitCode?: 1 | 2; details?: object; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.exitCode = exitCode;
    this.details = { ...details };
  }
}

/** A call that is wrong: exit code 2. */
export function usageFault(message: string): CommandFault {
  return new CommandFault('usage', message, { exitCode: 2 });
}

/** The flag of every command that can print for programs. */
export const jsonFlag: FlagRow = { flag: '--json', says: 'print JSON, failures as well' };

/** Reads a whole number. @throws CommandFault naming the flag and the value */
export function readWhole(flag: string, text: unknown, otherwise: number, max: number): number {
  if (text === undefined) return otherwise;
  const value = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value < 0 || value > max)
    throw usageFault(`${flag} must be a whole number from 0 to ${max}, not "${String(text)}".`);
  return value;
}

/** What to tell of a fault while a command began to listen on its `--port`. */
export function portFault(error: unknown): unknown {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code !== 'EADDRINUSE' && code !== 'EACCES') return error;
  const why = code === 'EADDRINUSE' ? 'is taken' : 'needs more rights than this process has';
  const message = `Port ${port} ${why}; give another one with --port, or 0 for any free one.`;
  return new CommandFault('port_unusable', message, { cause: error });
}
