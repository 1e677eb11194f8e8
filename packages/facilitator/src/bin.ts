#!/usr/bin/env -S node --max-semi-space-size=32
import { createLogger, stopSignals } from '@agentpay/http';
import { systemRandom } from '@agentpay/primitives';
import { runCommand } from './commands.js';
import { readConfig } from './config.js';
import { start } from './start.js';

/** What requests under way still get when the process is told to stop once more. */
const HURRY_MS = 2_000;

async function serve(): Promise<void> {
  const stop = stopSignals();
  const config = readConfig(process.env);
  const server = await start(config, createLogger(config.logLevel));
  process.stdout.write(`facilitator on ${server.url} for ${config.network.id}\n`);
  await stop.first;
  stop.onAgain(() => void server.close(HURRY_MS));
  await server.close();
  process.exit(0);
}

try {
  const args = process.argv.slice(2);
  if (args.length === 0) await serve();
  else process.stdout.write(await runCommand(args, process.env, systemRandom));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
