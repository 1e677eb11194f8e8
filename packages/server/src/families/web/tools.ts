import { endpoints, fetchPaidByKey, toolsFor, toolsOf, web } from '@agentpay/api';
import { implement } from '../../http/implement.js';

const tools = toolsOf([...endpoints, fetchPaidByKey]);

export const handlers = implement(web.nouns.tools, () => ({
  list: async ({ query: { format } }) => ({
    format,
    tools: toolsFor(format, tools) as Record<string, unknown>[],
  }),
}));
