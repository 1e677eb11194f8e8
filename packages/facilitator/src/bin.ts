#!/usr/bin/env -S node --max-semi-space-size=32
import { systemRandom } from '@agentpay/primitives';

/** What requests under way still get when the process is told to stop once more. */
const HURRY_MS = 2_000;

// Each loads what it needs: a command, or a fault in the settings, is answered before the server is read.

async function serve(): Promise<void> {
  const { createLogger, stopSignals } = await import('@agentpay/http');
  const stop = stopSignals();
  const { readConfig } = await import('./config.js');
  const config = readConfig(process.env);
  const { start } = await import('./start.js');
  const server = await start(config, createLogger(config.logLevel));
  process.stdout.write(`facilitator on ${server.url} for ${config.network.id}\n`);
  await stop.first;
  stop.onAgain(() => void server.close(HURRY_MS));
  await server.close();
  process.exit(0);
}

async function command(args: readonly string[]): Promise<void> {
  const { runCommand } = await import('./commands.js');
  process.stdout.write(await runCommand(args, process.env, systemRandom));
}

try {
  const args = process.argv.slice(2);
  await (args.length === 0 ? serve() : command(args));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
