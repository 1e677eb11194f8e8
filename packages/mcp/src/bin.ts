#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { help } from './stdio/help.js';
import { serveStdio } from './stdio/serveStdio.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const { argv, env, stdin, stdout, stderr } = process;
const [option] = argv.slice(2);

try {
  if (option === '--help' || option === '-h') stdout.write(help());
  else if (option === '--version' || option === '-V') stdout.write(`${version}\n`);
  else if (option !== undefined)
    throw new Error(`it takes no "${option}"; settings are environment variables (--help).`);
  else await serveStdio({ env, stdin, stdout, version });
} catch (error) {
  stderr.write(`agentpay-mcp: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
