import { families, openApi, swagger, web, type Family } from '@agentpay/api';
import { memoize } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';
import { version } from '../../version.js';

const document = memoize(1, (baseUrl: string) =>
  openApi(Object.values<Family>(families), { baseUrl, version }),
);

const older = memoize(1, (baseUrl: string) => swagger(document(baseUrl)));

export const handlers = implement(web.nouns.openapi, ({ baseUrl }) => ({
  spec: async () => document(baseUrl()) as { openapi: string },
  v2: async () => older(baseUrl()) as { swagger: string },
}));
