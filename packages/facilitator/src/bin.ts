#!/usr/bin/env -S node --max-semi-space-size=32
import { systemRandom } from '@agentpay/primitives';
import { runCommand } from './commands.js';
import { readConfig } from './config.js';
import { createLogger } from './operations/log.js';
import { start } from './start.js';

async function serve(): Promise<void> {
  const config = readConfig(process.env);
  const server = await start(config, createLogger(config.logLevel));
  process.stdout.write(`facilitator on ${server.url} for ${config.network.id}\n`);
  const stop = () => void server.close().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop);
}

try {
  const args = process.argv.slice(2);
  if (args.length === 0) await serve();
  else process.stdout.write(await runCommand(args, process.env, systemRandom));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
