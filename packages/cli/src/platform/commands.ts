import { jsonFlag, type CommandRow } from '@agentpay/http/commands';
import { apiFlag } from './apiPlace.js';
import { triggerNotes, triggers } from './triggers.js';

const listen: CommandRow = {
  name: 'events listen',
  says: 'tell what happens to an agent, and forward it to an address of this machine as a webhook',
  flags: [
    { flag: '--forward-to <address>', says: 'where events are sent, such as localhost:3000/webhooks' },
    { flag: '--events <list>', says: 'only these types, separated by commas' },
    {
      flag: '--secret <secret>',
      says: 'signs what is forwarded, whsec_…; default: a new one, which is shown',
    },
    {
      flag: '--after <id>',
      says: 'the last event that was received, at most a day old; default: from now on',
    },
    { flag: '--no-follow', says: 'end once everything is told that has happened' },
    { flag: '--agent <id>', says: 'whose events; default: the buyer of the local stack' },
    apiFlag,
    { ...jsonFlag, says: 'print events as lines of JSON' },
  ],
  examples: [
    'agentpay events listen --forward-to localhost:3000/webhooks',
    'agentpay events listen --events payment.completed --json',
  ],
  run: async (called) => (await import('./listen.js')).listenToEvents(called),
};

const trigger: CommandRow = {
  name: 'trigger',
  says: 'make an event happen on the local stack',
  args: ['<event>'],
  words: triggers,
  flags: [apiFlag, jsonFlag],
  examples: ['agentpay trigger payment.completed', 'agentpay trigger invoice.paid'],
  notes: triggerNotes,
  run: async (called) => (await import('./trigger.js')).trigger(called),
};

const logs: CommandRow = {
  name: 'logs tail',
  says: 'show the audit log of the API as it grows',
  flags: [
    { flag: '--lines <number>', says: 'earlier entries to show; default 10' },
    { flag: '--act <name>', says: 'only what was done so, such as policy.create' },
    { flag: '--subject <id>', says: 'only what was done to this' },
    { flag: '--no-follow', says: 'end after the earlier entries' },
    apiFlag,
    { ...jsonFlag, says: 'print entries as lines of JSON' },
  ],
  examples: ['agentpay logs tail', 'agentpay logs tail --act policy.create --json'],
  run: async (called) => (await import('./logs.js')).tailLogs(called),
};

export const platformCommands: readonly CommandRow[] = [listen, trigger, logs];
