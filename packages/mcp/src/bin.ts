#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { serveStdio } from './stdio/serveStdio.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const { env, stdin, stdout } = process;
try {
  await serveStdio({ env, stdin, stdout, version });
} catch (error) {
  process.stderr.write(`agentpay-mcp: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
