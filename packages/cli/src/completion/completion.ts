import {
  jsonFlag,
  usageFault,
  type CommandRow,
  type CommandTable,
  type FlagRow,
} from '@agentpay/http/commands';

/** What can follow some words: words of commands, flags, and what the values of a flag can be. */
export interface Completions {
  /** Words that were typed, such as `ledger`; "" for none. */
  readonly after: string;
  readonly next: readonly string[];
  /** By flag. */
  readonly values: Readonly<Record<string, readonly string[]>>;
}

/** Completions of every command and of every word that several begin with. */
export function completionsOf({ commands }: CommandTable): readonly Completions[] {
  const next = new Map<string, Set<string>>([['', new Set(['help', '--help', '--version'])]]);
  const values = new Map<string, Record<string, readonly string[]>>();
  for (const { name, flags = [], words: first = [] } of commands) {
    const words = name.split(' ');
    for (const [index, word] of words.entries()) {
      const before = words.slice(0, index).join(' ');
      next.set(before, (next.get(before) ?? new Set()).add(word));
    }
    next.set(
      name,
      new Set([...(next.get(name) ?? []), ...first, ...flags.flatMap((row) => namesOf(row)), '--help']),
    );
    values.set(
      name,
      Object.fromEntries(flags.flatMap((row) => namesOf(row).map((flag) => [flag, row.values ?? []]))),
    );
  }
  return [...next].map(([after, words]) => ({ after, next: [...words], values: values.get(after) ?? {} }));
}

/** `-X, --request <method>` is both `-X` and `--request`. */
function namesOf({ flag }: FlagRow): string[] {
  return flag.split(/[ ,]+/).filter((part) => part.startsWith('-'));
}

const words = (list: readonly string[]) => list.join(' ');
const choices = ({ values }: Completions) => Object.entries(values).filter(([, list]) => list.length > 0);

function bash(table: CommandTable): string {
  const all = completionsOf(table);
  const cases = all.map(
    (each) => `    ${JSON.stringify(each.after)}) next=${JSON.stringify(words(each.next))} ;;`,
  );
  const valueCases = all.flatMap((each) =>
    choices(each).map(
      ([flag, list]) =>
        `    ${JSON.stringify(`${each.after}:${flag}`)}) next=${JSON.stringify(words(list))} ;;`,
    ),
  );
  const known = words(all.map(({ after }) => after.replaceAll(' ', '/')).filter((after) => after !== ''));
  return `_agentpay() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" word longer next=""
  local known=" ${known} "
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    longer="\${path:+$path/}$word"
    case "$known" in *" $longer "*) path="$longer" ;; esac
  done
  path="\${path//\\// }"
  case "$path" in
${cases.join('\n')}
  esac
  case "$path:$before" in
${valueCases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$current"))
}
complete -o default -F _agentpay agentpay
`;
}

function zsh(table: CommandTable): string {
  return `#compdef agentpay
autoload -U +X bashcompinit && bashcompinit
${bash(table)}`;
}

/** What is said of a command, of the word that several begin with, or of what is built in. */
function saysOf({ commands, groups }: CommandTable, name: string): string {
  const last = name.split(' ').at(-1) as string;
  return commands.find((row) => row.name === name)?.says ?? groups[last] ?? 'show help for a command';
}

/** fish's condition that these words were typed, and none of those that can follow them. */
function within(typed: string, next: readonly string[] = []): string {
  const seen = typed.split(' ').filter(Boolean);
  const following = next.filter((word) => !word.startsWith('-'));
  const none = following.length === 0 ? [] : [`not __fish_seen_subcommand_from ${words(following)}`];
  return [...seen.map((word) => `__fish_seen_subcommand_from ${word}`), ...none].join('; and ');
}

function fish(table: CommandTable): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = ['complete -c agentpay -f'];
  for (const { after, next } of completionsOf(table)) {
    for (const word of next.filter((each) => !each.startsWith('-'))) {
      const says = saysOf(table, after === '' ? word : `${after} ${word}`);
      lines.push(`complete -c agentpay -n ${quoted(within(after, next))} -a ${word} -d ${quoted(says)}`);
    }
  }
  for (const { name, flags = [] } of table.commands) {
    for (const row of flags) {
      const long = namesOf(row).find((flag) => flag.startsWith('--')) as string;
      const short = namesOf(row).find((flag) => /^-\w$/.test(flag));
      const takes = row.flag.includes('<') ? ' -r' : '';
      const list = row.values ? ` -xa ${quoted(words(row.values))}` : takes;
      const shortPart = short === undefined ? '' : ` -s ${short.slice(1)}`;
      lines.push(
        `complete -c agentpay -n ${quoted(within(name))} -l ${long.slice(2)}${shortPart}${list} -d ${quoted(row.says)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

const scripts = { bash, zsh, fish };

/** Shells for which there are completions. */
export const shells = Object.keys(scripts) as readonly (keyof typeof scripts)[];

/** The script that completes the commands of a table in a shell. */
export function completionScript(shell: keyof typeof scripts, table: CommandTable): string {
  return scripts[shell](table);
}

/** @param table read when the command runs: the command is itself a row of it */
export function completionCommand(table: () => CommandTable): CommandRow {
  return {
    name: 'completion',
    says: 'print a completion script for bash, zsh or fish',
    args: ['<shell>'],
    words: shells,
    flags: [jsonFlag],
    examples: [
      'source <(agentpay completion bash)',
      'agentpay completion fish > ~/.config/fish/completions/agentpay.fish',
    ],
    async run({ args: [shell = ''], flags, around: { print } }) {
      const known = shells.find((each) => each === shell);
      if (known === undefined)
        throw usageFault(`There are completions for ${shells.join(', ')}, not for "${shell}".`);
      const script = completionScript(known, table());
      print(flags['json'] ? JSON.stringify({ ok: true, shell, script }, null, 2) : script.trimEnd());
      return 0;
    },
  };
}
