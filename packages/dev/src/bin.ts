#!/usr/bin/env node
import { runDev } from './command.js';

process.exitCode = await runDev(process.argv.slice(2));
