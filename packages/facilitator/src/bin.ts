#!/usr/bin/env node
import { pino } from 'pino';
import { readConfig } from './config.js';
import { start } from './start.js';

try {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: null }, process.stderr);
  const server = await start(config, log);
  process.stdout.write(`facilitator on ${server.url} for ${config.network.id}\n`);
  const stop = () => void server.close().then(() => process.exit(0));
  process.once('SIGTERM', stop).once('SIGINT', stop);
} catch (error) {
  process.stderr.write(`${(error as Error).message.split('\n', 1)[0]}\n`);
  process.exit(1);
}
