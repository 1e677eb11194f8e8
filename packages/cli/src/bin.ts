#!/usr/bin/env node
import { runCommands } from '@agentpay/http/commands';
import { table } from './table.js';

process.exitCode = await runCommands(table, process.argv.slice(2));
