import { endpoints, fetchPaidByKey, toolsFor, toolsOf, web } from '@agentpay/api';
import { implement } from '../../http/implement.js';

let made: ReturnType<typeof toolsOf> | undefined;
/** Made when they are first asked for: schemas are slow to make. */
const tools = () => (made ??= toolsOf([...endpoints, fetchPaidByKey]));

export const handlers = implement(web.nouns.tools, () => ({
  list: async ({ query: { format } }) => ({
    format,
    tools: toolsFor(format, tools()) as Record<string, unknown>[],
  }),
}));
