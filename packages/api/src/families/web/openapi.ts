import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

/** GET /openapi/spec.json */
export const spec = Endpoint.from({
  summary: 'Describes every endpoint as OpenAPI 3.1.',
  method: 'GET',
  path: '/openapi/spec.json',
  auth: anyone,
  response: z.looseObject({ openapi: z.string() }),
  status: 200,
  example: { response: { openapi: '3.1.0' } },
});

/** GET /openapi/v2.json */
export const v2 = Endpoint.from({
  summary: 'Describes every endpoint as Swagger 2.0, for platforms that take nothing newer.',
  method: 'GET',
  path: '/openapi/v2.json',
  auth: anyone,
  response: z.looseObject({ swagger: z.string() }),
  status: 200,
  example: { response: { swagger: '2.0' } },
});
