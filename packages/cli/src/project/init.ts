import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findNetwork, parsePrice, systemRandom } from '@agentpay/primitives';
import { addressSchema, bytesToHex } from '@agentpay/protocol';
import { localAccount } from '@agentpay/sdk';
import { CommandFault, usageFault, type Called } from '@agentpay/http/commands';
import { jsonText, programIn } from '../print.js';
import { LOCAL_FACILITATOR, projectFiles, type ProjectChoices } from './templates.js';

type Kind = ProjectChoices['kind'];

/** `agentpay init`: writes a project that sells or buys. @returns the exit code. @throws CommandFault */
export async function init({ args, flags, around }: Called): Promise<number> {
  const { folder: working, print, note } = around;
  const asked = await answers(args, flags);
  const folder = resolve(working, asked.folder);
  assertEmpty(folder);
  const choices = choicesOf(folder, asked, { flags, working });
  mkdirSync(folder, { recursive: true });
  const files = projectFiles(choices);
  for (const { path, text, isPrivate } of files)
    writeFileSync(join(folder, path), text, { mode: isPrivate ? 0o600 : 0o644, flag: 'wx' });
  const { kind, address } = choices;
  if (flags['json'])
    print(jsonText({ ok: true, folder, kind, address, files: files.map(({ path }) => path) }));
  else {
    print(`Made a ${kind} in ${folder}, ${kind === 'seller' ? 'paid to' : 'paying from'} ${address}.`);
    note(nextSteps(choices, asked.folder, around.env));
  }
  return 0;
}

/** What has to be done for the project to run, and in which order. */
function nextSteps(
  { kind, facilitator, tarballs }: ProjectChoices,
  folder: string,
  env: Called['around']['env'],
): string {
  const isLocal = kind === 'seller' && facilitator === LOCAL_FACILITATOR;
  return [
    ...(isLocal ? [`First start what settles, in another terminal:\n  ${programIn(env)} dev`] : []),
    `${isLocal ? 'Then' : 'Next'}:\n  cd ${folder}\n  npm install\n  npm start`,
    ...(tarballs
      ? []
      : [
          'npm install finds @agentpay/* on npm once it is published. Until then: "npm run pack" in the repository,\n' +
            'and this command with --tarballs /path/to/agentpay/tarballs',
        ]),
  ].join('\n');
}

interface Answers {
  readonly kind: Kind;
  readonly folder: string;
  readonly price: string;
}

/** What the flags say; on a terminal the rest is asked for. */
async function answers([given]: readonly string[], flags: Called['flags']): Promise<Answers> {
  const kind = flags['kind'] as string | undefined;
  const price = flags['price'] as string | undefined;
  const isComplete = kind !== undefined || !process.stdin.isTTY || flags['json'] === true;
  if (isComplete) {
    const chosen = kindOf(kind);
    return { kind: chosen, folder: given ?? `agentpay-${chosen}`, price: priceOf(price ?? '$0.01') };
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const chosen = kindOf(await terminal.question('Sell or buy? (seller, buyer) '));
    const usual = given ?? `agentpay-${chosen}`;
    const folder = (await terminal.question(`Folder? (${usual}) `)).trim() || usual;
    const what = chosen === 'seller' ? 'Price of a request' : 'Most that a request may cost';
    const said = price ?? ((await terminal.question(`${what}? ($0.01) `)).trim() || '$0.01');
    return { kind: chosen, folder, price: priceOf(said) };
  } finally {
    terminal.close();
  }
}

function kindOf(text: string | undefined): Kind {
  if (text === 'seller' || text === 'buyer') return text;
  throw usageFault(
    `Say what it is: --kind seller or --kind buyer${text === undefined ? '' : `, not "${text}"`}.`,
  );
}

function priceOf(text: string): string {
  try {
    parsePrice(text);
  } catch {
    throw usageFault(`--price must be a price such as '$0.01', not "${text}".`);
  }
  return text.startsWith('$') ? text : `$${text}`;
}

function assertEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CommandFault('folder_not_empty', `${folder} is not empty: name a new folder.`);
}

function choicesOf(
  folder: string,
  { kind, price }: Answers,
  { flags, working }: { flags: Called['flags']; working: string },
): ProjectChoices {
  const network = findNetwork(String(flags['network'] ?? 'base-sepolia'));
  if (!network)
    throw usageFault(`--network must be base-sepolia or base, not "${String(flags['network'])}".`);
  const payTo = flags['payTo'] as string | undefined;
  if (payTo !== undefined && (kind === 'buyer' || !addressSchema.safeParse(payTo).success))
    throw usageFault(`--pay-to must be the address of a seller, not "${payTo}".`);
  const privateKey = payTo === undefined ? bytesToHex(systemRandom.bytes(32)) : undefined;
  return {
    name:
      basename(folder)
        .toLowerCase()
        .replace(/[^a-z0-9._-]/g, '-')
        .replace(/^[._]+/, '') || 'agentpay-project',
    kind,
    price,
    network: network.name,
    facilitator: urlOf('--facilitator', flags['facilitator'], LOCAL_FACILITATOR),
    url: urlOf('--url', flags['url'], 'http://localhost:3000/weather'),
    address: payTo ?? localAccount(privateKey as string).address,
    privateKey,
    tarballs:
      flags['tarballs'] === undefined ? undefined : tarballsIn(resolve(working, String(flags['tarballs']))),
  };
}

function urlOf(flag: string, given: unknown, otherwise: string): string {
  const text = String(given ?? otherwise);
  if (/^https?:\/\/\S+$/.test(text) && URL.canParse(text)) return text;
  throw usageFault(`${flag} must be a URL that begins with http:// or https://, not "${text}".`);
}

/** The packages of a folder that `npm run pack` has filled. */
function tarballsIn(folder: string): Record<string, string> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const found = names.flatMap((name) => {
    const [, one] = /^agentpay-([a-z-]+?)-\d[\w.-]*\.tgz$/.exec(name) ?? [];
    return one === undefined ? [] : [[`@agentpay/${one}`, resolve(folder, name)] as const];
  });
  if (found.length > 0) return Object.fromEntries(found);
  throw usageFault(`--tarballs: ${folder} has no packages; "npm run pack" in the repository makes them.`);
}
