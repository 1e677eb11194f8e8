import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { line } from '../../resources/values.js';

/** GET /signin */
export const signin = Endpoint.page({
  summary: 'The sign-in page.',
  method: 'GET',
  path: '/signin',
  auth: anyone,
  query: z.object({ callbackUrl: line(2048).optional(), error: line(64).optional() }),
});

/** GET /dashboard/dashboard.js */
export const script = Endpoint.text({
  summary: 'The script of the pages of the dashboard.',
  method: 'GET',
  path: '/dashboard/dashboard.js',
  auth: anyone,
  contentType: 'text/javascript; charset=utf-8',
});
