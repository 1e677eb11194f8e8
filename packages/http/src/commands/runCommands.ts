import { once } from 'node:events';
import { isAgentPayError } from '@agentpay/primitives';
import { Command, CommanderError, Option } from 'commander';
import { ConfigError } from '../environment.js';
import {
  CommandFault,
  usageFault,
  type Called,
  type CommandRow,
  type CommandTable,
  type CommandContext,
} from './Command.js';

const ofProcess: CommandContext = {
  print: (line) => void process.stdout.write(`${line}\n`),
  async write(bytes) {
    if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
  },
  note: (line) => void process.stderr.write(`${line}\n`),
  env: process.env,
  folder: process.cwd(),
};

/**
 * Reads the words of a command line by the table and runs the command that they name. What fails is one sentence on stderr, or with
 * `--json` one object on stdout.
 * @returns the exit code: that of the command; 2 for a call that is wrong; 1 for whatever else fails
 */
export async function runCommands(
  table: CommandTable,
  words: readonly string[],
  around: CommandContext = ofProcess,
): Promise<number> {
  // Who reads it may have seen enough (`| head`): that is no fault.
  if (around === ofProcess) process.stdout.on('error', passOverClosed);
  let code = 0;
  let said = '';
  const program = programOf(table, {
    run: async (row, called) => void (code = await row.run({ ...called, around })),
    out: (text) => around.print(text.trimEnd()),
    err: (text) => void (said += text),
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    const separator = words.indexOf('--');
    const asJson = words.slice(0, separator < 0 ? undefined : separator).includes('--json');
    if (!(error instanceof CommanderError)) return tell(faultOf(error), asJson, around);
    if (error.exitCode === 0) return 0;
    // Called without a command, commander shows help and says nothing else.
    if (error.code === 'commander.help') {
      around.note(said.trimEnd());
      return 2;
    }
    const fault = new CommandFault('usage', sentence(said || error.message), { exitCode: 2 });
    return tell(fault, asJson, around);
  }
}

function passOverClosed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function tell(
  { code, message, exitCode, details }: CommandFault,
  asJson: boolean,
  { print, note }: CommandContext,
): number {
  if (asJson) print(`${JSON.stringify({ ok: false, error: { code, message, ...details } }, null, 2)}`);
  else note(message);
  return exitCode;
}

/** Errors of the product say what happened in a sentence; others are faults of the program, with a stack. */
function faultOf(error: unknown): CommandFault {
  if (error instanceof CommandFault) return error;
  if (error instanceof ConfigError)
    return new CommandFault('config', error.message, { exitCode: 2, details: { faults: error.faults } });
  if (isAgentPayError(error)) {
    const { kind, message, hint, reason, param } = error;
    const exitCode = kind === 'invalid_request' || kind === 'invalid_amount' ? 2 : 1;
    return new CommandFault(kind, message, { exitCode, details: { reason, param, hint } });
  }
  throw error;
}

function sentence(text: string): string {
  return text.trim().replace(/^error: (.)/, (_, first: string) => first.toUpperCase());
}

interface Running {
  readonly run: (row: CommandRow, called: Omit<Called, 'around'>) => Promise<void>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

function programOf(table: CommandTable, { run, out, err }: Running): Command {
  const output = { writeOut: out, writeErr: err };
  const program = new Command(table.name)
    .description(table.says)
    .version(table.version, '-V, --version', 'print the version')
    .configureOutput(output)
    .enablePositionalOptions()
    .exitOverride();
  if (table.commands.length > 1) program.helpCommand('help [command]', 'show help for a command');
  const whole = table.standsFor ?? table.name;
  for (const row of table.commands) {
    const words = `agentpay ${row.name}`.slice(whole.length).split(' ').filter(Boolean);
    const command = words.reduce((above, word) => commandIn(above, word, table), program);
    command.description(row.says);
    for (const arg of row.args ?? []) command.argument(arg);
    for (const { flag, says, many } of row.flags ?? []) command.addOption(optionOf(flag, says, many));
    command.addHelpText(
      'after',
      `\nExamples:\n${listed(row.examples)}`.replaceAll(` ${whole}`, ` ${table.name}`),
    );
    for (const note of row.notes ?? []) command.addHelpText('after', `\n${note}`);
    command.allowExcessArguments().action(async (...given: unknown[]) => {
      refuseMore(row, command.args);
      await run(row, { args: command.args, flags: given.at(-2) as Record<string, unknown> });
    });
  }
  return program;
}

/** @throws CommandFault naming the first word that the command has no use for */
function refuseMore({ name, args = [] }: CommandRow, words: readonly string[]): void {
  const more = args.at(-1)?.includes('...') ? undefined : words[args.length];
  if (more !== undefined) throw usageFault(`"${more}" is too much: see agentpay ${name} --help.`);
}

function commandIn(above: Command, word: string, { groups }: CommandTable): Command {
  const there = above.commands.find((command) => command.name() === word);
  if (there) return there;
  return above
    .command(word)
    .description(groups[word] ?? '')
    .exitOverride();
}

function optionOf(flag: string, says: string, many = false): Option {
  const option = new Option(flag, says);
  if (!many) return option;
  return option.argParser((text: string, before: readonly string[] = []) => [...before, text]);
}

const listed = (lines: readonly string[]) => lines.map((line) => `  ${line}`).join('\n');
