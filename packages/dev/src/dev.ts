import type { Called } from '@agentpay/http/commands';
import { systemClock, systemRandom } from '@agentpay/primitives';
import { openDataDir } from './DataDir.js';
import { DevFault } from './DevFault.js';
import { devFile } from './devFile.js';
import { readDevOptions, type DevFlags, type DevOptions } from './DevOptions.js';
import { choosePorts } from './Ports.js';
import { progressOf } from './progress.js';
import { purchaseJson, purchaseTable } from './purchaseTable.js';
import { startStack, type Stack } from './stack.js';
import { createSupervisor } from './Supervisor.js';

/**
 * `agentpay dev`: runs the whole stack on this machine, buys from its seller once in each dialect, and stays up until SIGINT or SIGTERM.
 * Results go to stdout, notes to stderr.
 * @returns the exit code: 0 all right, 1 a purchase failed
 * @throws DevFault when a part cannot be kept up, or a flag, port or folder cannot be used
 */
export async function dev({ flags, around }: Called): Promise<number> {
  const options = readDevOptions(flags as DevFlags, around.env);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const code = await run(options, stop, around).catch((cause: unknown) => {
    if (!stop.signal.aborted) throw cause;
    return 0;
  });
  // A part that cannot be kept up stops the stack as a signal does.
  if (stop.signal.reason instanceof DevFault) throw stop.signal.reason;
  return code;
}

async function run(
  options: DevOptions,
  stop: AbortController,
  { print, note, folder }: Called['around'],
): Promise<number> {
  const ports = await choosePorts(options.port, systemRandom);
  const data = openDataDir(options.dataDir, systemRandom);
  const file = devFile(folder);
  let running: Stack | undefined;
  const supervisor = createSupervisor({
    clock: systemClock,
    onRestart(part) {
      note(`The ${part.name} ended and was started again as process ${part.running.pid}.`);
      if (running) file.write(running);
    },
    onGiveUp: (fault) => stop.abort(fault),
  });
  const progress = progressOf(systemClock, note);
  const stopped = new Promise<void>((resolve) =>
    stop.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  try {
    const { blockTime, databaseUrl } = options;
    const onReady = progress.ready;
    const stack = await orStopped(
      startStack({ ports, data, databaseUrl, blockTime, supervisor, clock: systemClock, onReady }),
      stopped,
    );
    progress.stop();
    // Loaded late, because the parts can start without it.
    const { makePurchases } = await import('./purchases.js');
    const purchases = stack && (await orStopped(makePurchases(stack, systemClock), stopped));
    if (!stack || !purchases) return 0;
    const failed = purchases.some(({ fault }) => fault !== undefined);
    print(
      options.json
        ? JSON.stringify({ ok: !failed, purchases: purchaseJson(purchases), urls: stack.urls }, null, 2)
        : purchaseTable(purchases),
    );
    if (!failed) note('The balances on the chain and in the ledger changed by exactly the price.');
    if (options.once) return failed ? 1 : 0;
    running = stack;
    file.write(stack);
    (options.json ? note : print)(welcome(stack));
    await stopped;
    return 0;
  } finally {
    progress.stop();
    file.remove();
    await supervisor.stop();
    const left = data.close();
    if (left !== undefined) note(left);
  }
}

/** The result, or undefined when the stack is told to stop first. */
function orStopped<T>(work: Promise<T>, stopped: Promise<void>): Promise<T | undefined> {
  return Promise.race([work, stopped.then(() => undefined)]);
}

/** Everything that somebody needs to go on, ready to paste. */
function welcome({ urls, state }: Stack): string {
  return [
    '',
    `API          ${urls.api}`,
    `facilitator  ${urls.facilitator}`,
    `seller       ${urls.seller}`,
    `chain        ${urls.chain}`,
    '',
    'Ask the seller for its price:',
    '',
    `  curl -i ${urls.seller}/paid`,
    '',
    'Pay it with the test money of the example buyer, in a project that has @agentpay/sdk (npm run pack):',
    '',
    "  import { createClient } from '@agentpay/sdk';",
    `  const client = createClient({ privateKey: '${state.buyerKey}', budget: { total: '$1' } });`,
    `  const response = await client.fetch('${urls.seller}/paid');`,
    '  console.log(response.status, await response.json());',
    '',
    'In a clone of the repository, the example buyer pays as well:',
    '',
    `  SELLER_URL=${urls.seller}/paid PRIVATE_KEY=${state.buyerKey} node examples/agent-buyer/dist/main.js`,
    '',
    'Look into its wallet at the API:',
    '',
    `  curl -H 'Authorization: Bearer ${state.buyer.apiKey}' ${urls.api}/v1/wallets/${state.buyer.walletId}/balance`,
    '',
    'All keys and ids are in .agentpay/dev.json. Ctrl-C stops everything.',
  ].join('\n');
}
