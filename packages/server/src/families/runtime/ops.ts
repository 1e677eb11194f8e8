import { runtime } from '@agentpay/api';
import { explorer } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { opsState } from './opsState.js';

export const handlers = implement(runtime.nouns.ops, ({ core, rates }) => ({
  state: ({ principal }) => opsState(core, { principal, rates }),
  async killSwitch({ principal, body: { enabled } }) {
    await explorer.setKillSwitch(core, { principal, enabled });
    return { kill_switch: enabled };
  },
}));
